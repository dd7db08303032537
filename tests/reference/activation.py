#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(5, 67, low=-8, high=8)
record.case("relu", F.relu, x)
record.case("gelu", F.gelu, x)
record.case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), x)
record.case("silu", F.silu, x)
record.write()
