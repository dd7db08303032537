#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
cases = {
    "same": (uniform(2, 3, 9, 9), uniform(4, 3, 3, 3, seed=2), dict(padding=1)),
    "patch": (uniform(2, 3, 8, 8), uniform(5, 3, 4, 4, seed=2), dict(stride=4)),
    "mixed": (uniform(2, 2, 9, 10), uniform(3, 2, 3, 2, seed=2),
              dict(stride=(2, 1), padding=(1, 2), dilation=(1, 3))),
}
for name, (x, weight, options) in cases.items():
    bias = uniform(weight.shape[0], seed=3)
    record.case(name, lambda x, w, b: F.conv2d(x, w, b, **options), x, weight, bias)
record.write()
