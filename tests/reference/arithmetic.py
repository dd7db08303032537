#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

SHAPES = {
    "same": ((3, 17), (3, 17)),
    "row": ((3, 17), (17,)),
    "column": ((3, 1), (2, 3, 17)),
    "outer": ((5, 1), (1, 9)),
    "middle": ((2, 3, 5), (3, 1)),
}
record = Recorder()
for op in ("add", "sub", "mul", "div", "maximum", "minimum"):
    for kind, (a, b) in SHAPES.items():
        # Half steps, so that maximum and minimum meet ties.
        x = (uniform(*a, seed=1, low=1, high=4).detach() * 2).round() / 2
        y = (uniform(*b, seed=2, low=1, high=4).detach() * 2).round() / 2
        record.case(f"{op}.{kind}", getattr(torch, op), x.requires_grad_(), y.requires_grad_())
record.write()
