#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Patch filters by the pseudo-inverse of the whole resizing (FlexiViT), and positions."""
import torch
import torch.nn.functional as F
from common import Recorder, uniform


def resizing(old, new):
    """(new^2, old^2): bilinear resizing of a patch as a matrix, pixel by pixel."""
    pixels = torch.eye(old * old).reshape(old * old, 1, old, old)
    return F.interpolate(pixels, size=(new, new), mode="bilinear").reshape(old * old, -1).T


record = Recorder()
for old, new in ((4, 8), (8, 4), (4, 6), (6, 4), (5, 3)):
    weight = uniform(2, 3, old, old, seed=old)
    resized = weight.flatten(2) @ torch.linalg.pinv(resizing(old, new).T).T
    record.add(**{f"{old}to{new}.in": weight, f"{old}to{new}.out": resized.reshape(2, 3, new, new)})

positions = uniform(1, 17, 6, seed=1)
grid = positions[:, 1:].reshape(1, 4, 4, 6).permute(0, 3, 1, 2)
record.add(positions=positions)
for mode in ("bilinear", "bicubic"):
    for new in (8, 3):
        resized = F.interpolate(grid, size=(new, new), mode=mode).flatten(2).transpose(1, 2)
        record.add(**{f"positions.{mode}{new}": torch.cat([positions[:, :1], resized], 1)})
record.write()
