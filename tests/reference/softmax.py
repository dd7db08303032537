#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 5, 17, low=-4, high=4)
for axis in (0, 1, 2):
    record.case(f"softmax{axis}", lambda x: F.softmax(x, axis), x)
    record.case(f"log_softmax{axis}", lambda x: F.log_softmax(x, axis), x)
record.write()
