#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(9, 21, low=-4, high=4)
labels = torch.arange(9) * 5 % 21
probabilities = uniform(9, 21, seed=2, low=0, high=1).detach()  # rows do not sum to 1, on purpose
record.add(labels=labels, probabilities=probabilities)
for target_name, target in (("labels", labels), ("probabilities", probabilities)):
    for smoothing in (0, 0.1, 1):
        for reduction in ("none", "mean", "sum"):
            record.case(
                f"{target_name}.{smoothing}.{reduction}",
                lambda x: F.cross_entropy(x, target, label_smoothing=smoothing, reduction=reduction),
                x,
            )
record.write()
