#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import ACTIVATIONS, Recorder, uniform

record = Recorder()
x = uniform(2, 7, 13, seed=1)
weight = uniform(17, 13, seed=2)
bias = uniform(17, seed=3)
residual = uniform(2, 7, 17, seed=4)
for name, activation in ACTIVATIONS.items():
    record.case(name, lambda x, w, b, r: activation(F.linear(x, w, b)) + r, x, weight, bias, residual)
record.write()
