#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 7, 5, low=-4, high=4)
target = uniform(3, 7, 5, seed=2, low=-4, high=4)
for reduction in ("none", "mean", "sum"):
    record.case(reduction, lambda x, t: F.mse_loss(x, t, reduction=reduction), x, target)
record.write()
