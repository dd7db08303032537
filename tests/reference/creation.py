#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder

record = Recorder()
indices = torch.tensor([[2, 0, 3], [1, 1, 2]])
record.add(indices=indices, one_hot=F.one_hot(indices, 5).double())
record.add(arange=torch.arange(1.0, 4.0, 0.75), down=torch.arange(3, -4, -2).double())
record.add(linspace=torch.linspace(-1, 2, 7), eye=torch.eye(3, 5), square=torch.eye(3))
record.write()
