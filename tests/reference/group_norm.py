#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(2, 6, 3, 5, low=-4, high=4)
weight = uniform(6, seed=2)
bias = uniform(6, seed=3)
for groups in (1, 2, 6):
    record.case(f"groups{groups}", lambda x, w, b: F.group_norm(x, groups, w, b), x, weight, bias)
record.case("plain", lambda x: F.group_norm(x, 3, eps=0.1), x)
record.case("vectors", lambda x, w, b: F.group_norm(x, 2, w, b), uniform(3, 6), weight, bias)
record.write()
