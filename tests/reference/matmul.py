#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
SHAPES = [
    ((7,), (7,)),
    ((7,), (7, 5)),
    ((5, 7), (7,)),
    ((5, 7), (7, 9)),
    ((3, 5, 7), (7, 9)),
    ((5, 7), (3, 7, 9)),
    ((3, 5, 7), (3, 7, 9)),
    ((2, 1, 5, 7), (3, 7, 4)),
    ((2, 3, 5, 7), (7,)),
    ((7,), (2, 3, 7, 5)),
    ((2, 1, 3, 4), (2, 5, 4, 1)),
]
for i, (a, b) in enumerate(SHAPES):
    record.case(f"case{i}", torch.matmul, uniform(*a, seed=1), uniform(*b, seed=2))
record.write()
