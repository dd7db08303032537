#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(2, 3, 7)
# PyTorch lists the widths from the last axis on.
record.case("last", lambda x: F.pad(x, (2, 1)), x)
record.case("all", lambda x: F.pad(x, (0, 4, 1, 2, 3, 0), value=-1.5), x)
record.write()
