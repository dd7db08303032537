#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 5, 4, 5, low=-4, high=4)
weight = uniform(5, seed=2)
bias = uniform(5, seed=3)
mean = uniform(5, seed=4).detach()
var = uniform(5, seed=5, low=0.5, high=2).detach()
record.add(mean=mean, var=var)
record.case("eval", lambda x, w, b: F.batch_norm(x, mean, var, w, b), x, weight, bias)
record.case("training", lambda x, w, b: F.batch_norm(x, mean, var, w, b, True), x, weight, bias)
record.add(mean1=mean, var1=var)  # F.batch_norm has changed them in place
record.case(
    "plain", lambda x: F.batch_norm(x, mean, var, training=True, momentum=0.25, eps=0.1), x
)
record.add(mean2=mean, var2=var)
vectors = uniform(4, 5, seed=6, low=-4, high=4)
sequences = uniform(3, 5, 7, seed=7, low=-4, high=4)
for name, x in (("vectors", vectors), ("sequences", sequences)):
    record.case(name, lambda x, w, b: F.batch_norm(x, mean, var, w, b, True), x, weight, bias)
record.add(mean3=mean, var3=var)
record.write()
