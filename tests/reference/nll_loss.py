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
# Class weights, ignored labels and further axes.
x = uniform(2, 5, 2, 3, seed=3, low=-4, high=0)
labels = torch.arange(12).reshape(2, 2, 3) * 3 % 5
weight = torch.tensor([0.5, 2, 0, 1, 3])
record.add(image_labels=labels, weight=weight)
for reduction in ("none", "mean", "sum"):
    options = dict(weight=weight, ignore_index=4, reduction=reduction)
    record.case(f"image.{reduction}", lambda x: F.nll_loss(x, labels, **options), x)
record.write()
