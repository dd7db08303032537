#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gaussian blur of bytes as torchvision.transforms.functional.gaussian_blur computes it: in float,
with reflecting edges, rounded to the nearest byte."""
import torch
import torch.nn.functional as F
from common import Recorder

record = Recorder()
image = torch.randint(0, 256, (2, 9, 12), generator=torch.Generator().manual_seed(3))
record.add(image=image.to(torch.uint8))
for radius, sigma in ((1, 0.5), (2, 1.0), (4, 2.5), (8, 30.0)):
    d = torch.arange(-radius, radius + 1, dtype=torch.float32)
    line = torch.exp(-0.5 * (d / sigma) ** 2)
    line = line / line.sum()
    kernel = (line[:, None] * line[None, :])[None, None].repeat(2, 1, 1, 1)
    x = F.pad(image[None].float(), [radius] * 4, mode="reflect")
    y = F.conv2d(x, kernel, groups=2)[0]
    record.add(**{f"radius{radius}": y.round().to(torch.uint8)})
record.write()
