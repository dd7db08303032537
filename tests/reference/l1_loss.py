#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

LOSSES = {
    "l1": F.l1_loss,
    "huber": lambda *x, **options: F.huber_loss(*x, delta=0.7, **options),
    "smooth": lambda *x, **options: F.smooth_l1_loss(*x, beta=0.7, **options),
    "smooth-0": lambda *x, **options: F.smooth_l1_loss(*x, beta=0, **options),
}
record = Recorder()
x = uniform(2, 9, low=-2, high=2)
target = uniform(2, 9, seed=2)
for name, loss in LOSSES.items():
    for reduction in ("none", "mean", "sum"):
        record.case(f"{name}.{reduction}", lambda *x: loss(*x, reduction=reduction), x, target)
record.write()
