#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

SHAPES = {
    "same": ((3, 17), (3, 17), (3, 17)),
    "row": ((3, 17), (17,), ()),
    "column": ((3, 1), (2, 3, 17), (17,)),
}
record = Recorder()
for kind, (c, a, b) in SHAPES.items():
    condition = uniform(*c, seed=3).detach() > 0
    record.add(**{f"{kind}.condition": condition.double()})
    record.case(kind, lambda a, b: torch.where(condition, a, b), uniform(*a, seed=1), uniform(*b, seed=2))
record.write()
