#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
indices = torch.randint(11, (3, 7), generator=torch.Generator().manual_seed(5))
record.add(indices=indices)
record.case("embedding", lambda w: F.embedding(indices, w), uniform(11, 17))
record.write()
