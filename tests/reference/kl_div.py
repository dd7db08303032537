#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 7, low=-4, high=0)
targets = {
    "plain": uniform(3, 7, seed=2, low=0.01, high=1),
    "log": uniform(3, 7, seed=3, low=-5, high=0),
}
for name, target in targets.items():
    for reduction in ("none", "mean", "sum"):
        options = dict(log_target=name == "log", reduction=reduction)
        record.case(f"{name}.{reduction}", lambda *x: F.kl_div(*x, **options), x, target)
record.write()
