#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 5, 17, low=-4, high=4)
weight = uniform(17, seed=2)
bias = uniform(17, seed=3)
record.case("affine", lambda x, w, b: F.layer_norm(x, (17,), w, b), x, weight, bias)
record.case("plain", lambda x: F.layer_norm(x, (17,), eps=0.1), x)
record.case("weight", lambda x, w: F.layer_norm(x, (17,), w), x, weight)
record.write()
