#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 17, low=-8, high=8)
record.case("leaky_relu", F.leaky_relu, x)
record.case("leaky_relu-0.3", lambda x: F.leaky_relu(x, 0.3), x)
record.case("elu", F.elu, x)
record.case("elu-1.5", lambda x: F.elu(x, 1.5), x)
record.case("softplus", F.softplus, x)
record.case("softplus-2", lambda x: F.softplus(x, beta=2), x)
record.case("hardswish", F.hardswish, x)
record.case("mish", F.mish, x)
record.write()
