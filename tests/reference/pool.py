#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(2, 2, 9, 9)
windows = {
    "overlap": dict(kernel_size=3, stride=2, padding=1),
    "tiles": dict(kernel_size=2, stride=2, padding=0),
    "mixed": dict(kernel_size=(3, 4), stride=(1, 3), padding=(1, 2)),
}
for name, window in windows.items():
    record.case(f"max_{name}", lambda x: F.max_pool2d(x, **window), x)
    record.case(f"avg_{name}", lambda x: F.avg_pool2d(x, **window), x)
    record.case(f"avg_inside_{name}",
                lambda x: F.avg_pool2d(x, **window, count_include_pad=False), x)
# Few different values: nearly every window has several maxima.
ties = (uniform(1, 3, 9, 10, seed=5) * 1.4).round().detach().requires_grad_()
for name, window in windows.items():
    record.case(f"max_ties_{name}", lambda x: F.max_pool2d(x, **window), ties)
x = uniform(1, 2, 7, 9, seed=6)
for size in ((1, 1), (7, 3), (3, 4), (9, 11)):
    case = "adaptive_{}x{}".format(*size)
    record.case(case, lambda x: F.adaptive_avg_pool2d(x, size), x)
record.write()
