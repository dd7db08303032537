#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import ACTIVATIONS, Recorder, uniform

record = Recorder()
inputs = [
    uniform(2, 7, 13, seed=1),  # x
    uniform(34, 13, seed=2),  # weight1
    uniform(34, seed=3),  # bias1
    uniform(17, 34, seed=4),  # weight2
    uniform(17, seed=5),  # bias2
    uniform(2, 7, 17, seed=6),  # residual
]
for name, activation in ACTIVATIONS.items():
    record.case(
        name, lambda x, v, b, w, c, r: F.linear(activation(F.linear(x, v, b)), w, c) + r, *inputs
    )
record.write()
