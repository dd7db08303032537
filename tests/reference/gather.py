#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
generator = torch.Generator().manual_seed(5)
x = uniform(4, 5, 6)
for axis in (0, 1, 2):
    n = x.shape[axis]
    some = torch.randint(n, (9,), generator=generator)
    record.add(**{f"some{axis}": some})
    record.case(f"index_select{axis}", lambda x: x.index_select(axis, some), x)
    shape = [4, 3, 5]  # smaller than x but along the axis, where it may be longer
    shape[axis] = 8
    each = torch.randint(n, shape, generator=generator)
    record.add(**{f"each{axis}": each})
    record.case(f"gather{axis}", lambda x: x.gather(axis, each), x)
record.write()
