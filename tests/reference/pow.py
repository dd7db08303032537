#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
for exponent in (-2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.7, 2.0, 3.0):
    record.case(f"scalar{exponent:g}", lambda x: torch.pow(x, exponent), uniform(67, low=0.3, high=3))
record.case("tensor", torch.pow, uniform(3, 17, low=0.3, high=3), uniform(3, 1, seed=2, low=-2, high=2))
record.write()
