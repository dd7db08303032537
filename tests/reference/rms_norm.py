#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 5, 17, low=-4, high=4)
weight = uniform(17, seed=2)
record.case("weight", lambda x, w: F.rms_norm(x, (17,), w, eps=1e-6), x, weight)
record.case("plain", lambda x: F.rms_norm(x, (17,), eps=0.1), x)
record.write()
