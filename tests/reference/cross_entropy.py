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

# Class weights, ignored labels and further axes.
x = uniform(2, 5, 2, 3, seed=3, low=-4, high=4)
labels = torch.arange(12).reshape(2, 2, 3) * 3 % 5
labels[0, 1, 0] = labels[1, 0, 2] = 4
probabilities = uniform(2, 5, 2, 3, seed=4, low=0, high=1).detach()
weight = torch.tensor([0.5, 2, 0, 1, 3])
record.add(image_labels=labels, image_probabilities=probabilities, weight=weight)
for smoothing in (0, 0.1):
    for name, target, reduction, options in (
        ("ignored", labels, "mean", dict(ignore_index=4)),
        ("weighted", labels, "mean", dict(weight=weight)),
        ("both", labels, "none", dict(weight=weight, ignore_index=4)),
        ("both", labels, "mean", dict(weight=weight, ignore_index=4)),
        ("both", labels, "sum", dict(weight=weight, ignore_index=4)),
        ("probabilities", probabilities, "mean", dict(weight=weight)),
    ):
        options = dict(label_smoothing=smoothing, reduction=reduction, **options)
        record.case(
            f"image.{name}.{smoothing}.{reduction}",
            lambda x: F.cross_entropy(x, target, **options),
            x,
        )
record.write()
