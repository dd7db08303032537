#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(1, 2, 6, 7)
for h, w in [(7, 10), (9, 11), (11, 5), (3, 4), (1, 17), (5, 1)]:
    for mode in ("nearest", "bilinear", "bicubic"):
        for corners in (None,) if mode == "nearest" else (False, True):
            name = f"{mode}{'_corners' if corners else ''}_{h}x{w}"
            record.case(name, lambda x: F.interpolate(x, (h, w), mode=mode, align_corners=corners), x)
# Which pixel kNearest takes where in/out is not exact: 32 bits decide.
for n, m in [(2, 82), (26, 22), (29, 41), (97, 31)]:
    row = torch.arange(n, dtype=torch.float32).view(1, 1, 1, n)
    record.add(**{f"pixels_{n}_{m}": F.interpolate(row, (1, m), mode="nearest")})
record.write()
