#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 9, 2, 5)
for i, axes in enumerate([(0, 2, 1, 3), (0, 3, 1, 2), (3, 2, 1, 0), (2, 3, 0, 1)]):
    record.case(f"permute{i}", lambda x: x.permute(axes), x)
record.case("transpose", lambda x: x.transpose(1, -1), x)
record.write()
