#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
generator = torch.Generator().manual_seed(5)
x = uniform(3, 4, 5)
for axis in (0, 1, 2):
    shape = [2, 3, 4]
    shape[axis] = 3
    # Of two numbers for one place PyTorch takes any: each line has every place once.
    order = torch.rand([*shape[:axis], x.shape[axis], *shape[axis + 1 :]], generator=generator)
    once = order.argsort(axis).narrow(axis, 0, 3)
    record.add(**{f"once{axis}": once})
    record.case(f"scatter{axis}", lambda x, s: x.scatter(axis, once, s), x, uniform(*shape, seed=2))
    record.case(f"value{axis}", lambda x: x.scatter(axis, once, 2.5), x)
    shape[axis] = 7
    many = torch.randint(x.shape[axis], shape, generator=generator)
    record.add(**{f"many{axis}": many})
    record.case(
        f"scatter_add{axis}", lambda x, s: x.scatter_add(axis, many, s), x, uniform(*shape, seed=3)
    )
record.write()
