#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(2, 2, 7, 6)
windows = {
    "same": dict(kernel_size=3, stride=1, padding=1, dilation=1),
    "patch": dict(kernel_size=2, stride=2, padding=0, dilation=1),
    "mixed": dict(kernel_size=(3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 3)),
}
for name, window in windows.items():
    record.case(f"unfold_{name}", lambda x: F.unfold(x, **window), x)
    columns = uniform(*F.unfold(x, **window).shape, seed=2)
    record.case(f"fold_{name}", lambda c: F.fold(c, (7, 6), **window), columns)
record.write()
