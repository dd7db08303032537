#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
generator = torch.Generator().manual_seed(3)


def digits(*shape):
    """Small whole numbers, so that some are equal, and a NaN."""
    x = torch.randint(-2, 3, shape, generator=generator).double()
    x.view(-1)[0] = torch.nan
    return x


COMPARISONS = {name: getattr(torch, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
a = digits(3, 4, 5)
record.add(a=a)
for kind, shape in {"same": (3, 4, 5), "row": (5,), "column": (4, 1)}.items():
    b = digits(*shape)
    record.add(**{kind: b})
    for name, compare in COMPARISONS.items():
        record.add(**{f"{name}_{kind}": compare(a, b)})
for name, compare in COMPARISONS.items():
    record.add(**{f"{name}_scalar": compare(a, 1)})

special = torch.tensor([1.0, torch.nan, torch.inf, -torch.inf, 0.0])
record.add(special=special, isnan=special.isnan(), isfinite=special.isfinite())

p, q = a > 0, digits(4, 1) < 1
record.add(p=p, q=q)
for name in ("logical_and", "logical_or", "logical_xor"):
    record.add(**{name: getattr(torch, name)(p, q)})
record.add(logical_not=p.logical_not())
some = torch.rand(3, 2, 4, generator=generator) < 0.6
record.add(some=some)
for axis in (0, 1, 2):
    record.add(**{f"any{axis}": some.any(axis), f"all{axis}": some.all(axis, keepdim=True)})

x = uniform(3, 4, 5)
for kind, mask in {"same": p, "row": a[0, 0] > 0, "column": q}.items():
    record.add(**{f"mask_{kind}": mask})
    record.case(f"fill_{kind}", lambda x: x.masked_fill(mask, -7.5), x)
record.write()
