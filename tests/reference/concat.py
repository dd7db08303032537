#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
a = uniform(2, 3, 7, seed=1)
b = uniform(2, 5, 7, seed=2)
c = uniform(2, 3, 7, seed=3)
record.case("cat1", lambda a, b: torch.cat([a, b, a], 1), a, b)
record.case("cat2", lambda a, c: torch.cat([c, a], -1), a, c)
record.case("stack1", lambda a, c: torch.stack([a, c], 1), a, c)
record.case("stack3", lambda a, c: torch.stack([a, c], 3), a, c)
record.write()
