#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder, uniform


def sigmoid_focal_loss(x, t, alpha, gamma):
    """As torchvision.ops.sigmoid_focal_loss computes it."""
    p = torch.sigmoid(x)
    cross_entropy = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    loss = cross_entropy * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
    return loss if alpha < 0 else (alpha * t + (1 - alpha) * (1 - t)) * loss


record = Recorder()
x = uniform(3, 7, low=-6, high=6)
target = uniform(3, 7, seed=2, low=0, high=1)
weight = uniform(3, 1, seed=3, low=0.5, high=2).detach()
pos_weight = uniform(7, seed=4, low=0.5, high=9).detach()
record.add(weight=weight, pos_weight=pos_weight)
for reduction in ("none", "mean", "sum"):
    for name, weights in (("plain", {}), ("weighted", dict(weight=weight, pos_weight=pos_weight))):
        options = dict(reduction=reduction, **weights)
        record.case(
            f"{name}.{reduction}",
            lambda *x: F.binary_cross_entropy_with_logits(*x, **options),
            x,
            target,
        )
labels = target.detach().round().requires_grad_()
record.case("focal.labels", lambda *x: sigmoid_focal_loss(*x, 0.25, 2), x, labels)
record.case("focal.soft", lambda *x: sigmoid_focal_loss(*x, 0.4, 1.3), x, target)
record.case("focal.plain", lambda *x: sigmoid_focal_loss(*x, -1, 3).mean(), x, target)
record.write()
