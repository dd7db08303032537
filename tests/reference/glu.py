#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(4, 2, 18, low=-4, high=4)
for axis in (0, 1, 2):
    record.case(f"axis{axis}", lambda x: F.glu(x, axis), x)
record.write()
