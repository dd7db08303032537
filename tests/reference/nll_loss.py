#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(9, 5, low=-4, high=0)
labels = torch.arange(9) * 3 % 5
record.add(labels=labels)
for reduction in ("none", "mean", "sum"):
    record.case(reduction, lambda x: F.nll_loss(x, labels, reduction=reduction), x)
record.write()
