#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

OPS = {
    "sum": torch.sum,
    "mean": torch.mean,
    "var": torch.var,
    "var-0": lambda x, axes: torch.var(x, axes, correction=0),
    "max": torch.amax,
    "min": torch.amin,
}
record = Recorder()
# Quarter steps, so that max and min meet ties.
x = (uniform(3, 4, 11, low=-2, high=2).detach() * 4).round() / 4
for axes in ((0,), (1,), (2,), (0, 2), (0, 1, 2)):
    for name, op in OPS.items():
        case = name + "@" + "".join(map(str, axes))
        record.case(case, lambda x: op(x, axes), x.requires_grad_())
record.write()
