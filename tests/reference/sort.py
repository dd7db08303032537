#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
x = uniform(4, 5, 6)
for axis in (0, 1, 2):
    record.add(**{f"argmax{axis}": x.argmax(axis), f"argmin{axis}": x.argmin(axis)})
    record.add(**{f"up{axis}": x.argsort(axis), f"down{axis}": x.argsort(axis, descending=True)})
    record.case(f"sort{axis}", lambda x: x.sort(axis).values, x)
    record.case(f"topk{axis}", lambda x: x.topk(3, axis).values, x)
    record.add(**{f"top{axis}": x.topk(3, axis).indices})
    record.case(f"flip{axis}", lambda x: x.flip(axis), x)
for times in (-1, 0, 1, 2, 3, 5):
    record.case(f"rot90_{times}", lambda x: torch.rot90(x, times, (-2, -1)), x)
nan = torch.tensor([[1.0, torch.nan, 3.0, torch.nan], [2.0, 1.0, 2.0, 1.0]])
record.add(nan=nan, nan_argmax=nan.argmax(1), nan_argmin=nan.argmin(1))
record.add(nan_up=nan.sort(dim=1, stable=True).indices)
record.add(nan_down=nan.sort(dim=1, stable=True, descending=True).indices)
record.write()
