#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 4, 2)
for axis in (0, 1, 2):
    for name, parts in {
        "split": lambda x: x.split(2, axis),
        "chunk": lambda x: x.chunk(3, axis),
        "unbind": lambda x: x.unbind(axis),
    }.items():
        record.add(**{f"{name}{axis}.count": torch.tensor(len(parts(x)))})
        for i in range(len(parts(x))):
            record.case(f"{name}{axis}.{i}", lambda x: parts(x)[i], x)
for i in range(3):
    record.case(f"sizes{i}", lambda x: x.split([1, 2, 1], 1)[i], x)

for shift in (-7, -1, 2):
    record.case(f"roll{shift}", lambda x: x.roll(shift, 1), x)
record.case("roll_both", lambda x: x.roll((1, -2), (0, 2)), x)
record.case("repeat", lambda x: x.repeat(2, 1, 3), x)
record.case("repeat_front", lambda x: x.repeat(2, 1, 2, 1), x)
for axis in (0, 1, 2):
    record.case(f"interleave{axis}", lambda x: x.repeat_interleave(3, axis), x)
    record.case(f"cumsum{axis}", lambda x: x.cumsum(axis), x)
for diagonal in (-5, -2, 0, 1, 4):
    record.case(f"tril{diagonal}", lambda x: x.tril(diagonal), x)
    record.case(f"triu{diagonal}", lambda x: x.triu(diagonal), x)
record.case("flip", lambda x: x.flip(0, 2), x)
record.case("movedim", lambda x: x.movedim(0, -1), x)
record.case("movedims", lambda x: x.movedim((0, 1), (2, 0)), x)
record.write()
