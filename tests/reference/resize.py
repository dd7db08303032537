#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images resized by Pillow (antialiased) and by PyTorch (not)."""
import numpy as np
import torch
import torch.nn.functional as F
from common import Recorder
from PIL import Image

FILTERS = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR,
           "bicubic": Image.Resampling.BICUBIC}
record = Recorder()
rng = np.random.default_rng(5)
# Noise, and edges that make a cubic filter overshoot.
image = rng.integers(0, 256, (2, 13, 29), dtype=np.uint8)
image[1] = np.where((np.arange(13)[:, None] // 3 + np.arange(29) // 4) % 2 == 0, 0, 255)
record.add(image=torch.from_numpy(image))


def pillow(planes, size, **options):
    """First across, then down: the order within one call differs between versions of Pillow."""
    h, w = size
    return torch.from_numpy(np.stack([
        np.asarray(Image.fromarray(p).resize((w, p.shape[0]), **options).resize((w, h), **options))
        for p in planes]))


for size in [(13, 29), (26, 58), (6, 11), (13, 40), (7, 29), (1, 1), (40, 3), (5, 90)]:
    name = f"{size[0]}x{size[1]}"
    for mode, resample in FILTERS.items():
        record.add(**{f"{mode}.{name}": pillow(image, size, resample=resample)})
        window = image[:, 2:11, 5:26]
        record.add(**{f"{mode}.window.{name}": pillow(window, size, resample=resample)})
        if mode != "nearest":
            out = F.interpolate(torch.from_numpy(image)[None], size, mode=mode)[0]
            record.add(**{f"{mode}.sampled.{name}": out})
record.write()
