#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

OPS = {
    "norm1": lambda x, axes: torch.linalg.vector_norm(x, 1, axes),
    "norm2": lambda x, axes: torch.linalg.vector_norm(x, 2, axes),
    "norminf": lambda x, axes: torch.linalg.vector_norm(x, float("inf"), axes),
    "std": torch.std,
    "std-0": lambda x, axes: torch.std(x, axes, correction=0),
    "logsumexp": torch.logsumexp,
}
record = Recorder()
# Quarter steps, so that the largest elements meet ties.
x = (uniform(3, 4, 5, low=-2, high=2).detach() * 4).round() / 4
for axes in ((0,), (2,), (0, 2), (0, 1, 2)):
    for name, op in OPS.items():
        case = name + "@" + "".join(map(str, axes))
        record.case(case, lambda x: op(x, axes), x.requires_grad_())
record.write()
