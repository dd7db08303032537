#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

record = Recorder()
# Half steps, so that some elements lie on the bounds.
x = (uniform(3, 33, low=-3, high=3).detach() * 2).round() / 2
record.case("clamp", lambda x: torch.clamp(x, -1, 1.5), x.requires_grad_())
record.write()
