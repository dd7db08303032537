#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
for op in ("exp", "tanh", "sigmoid", "abs"):
    record.case(op, getattr(torch, op), uniform(3, 67, low=-6, high=6))
for op in ("log", "sqrt", "rsqrt"):
    record.case(op, getattr(torch, op), uniform(3, 67, low=0.01, high=20))
for op in ("sin", "cos", "erf"):
    record.case(op, getattr(torch, op), uniform(2, 17, low=-9, high=9))
record.write()
