#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Learning rates of torch.optim.lr_scheduler over 24 steps."""
import torch
from torch.optim import lr_scheduler as s
from common import Recorder

record = Recorder()


def run(name, make, lr=0.1, steps=24):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    record.add(**{name: torch.tensor(rates)})


def warm_up(after, steps=4):
    """`after` following a linear rise that starts at 1 / (steps + 1) and reaches 1 at `steps`."""
    return lambda o: s.SequentialLR(
        o, [s.LinearLR(o, start_factor=1 / (steps + 1), total_iters=steps), after(o)], [steps])


run("constant", warm_up(lambda o: s.ConstantLR(o, factor=1)))
run("step", lambda o: s.StepLR(o, step_size=5, gamma=0.5))
run("step_warm", warm_up(lambda o: s.StepLR(o, step_size=5, gamma=0.3)))
run("cosine", lambda o: s.CosineAnnealingLR(o, T_max=24))
run("cosine_warm", warm_up(lambda o: s.CosineAnnealingLR(o, T_max=20, eta_min=0.01)))
run("linear", lambda o: s.LinearLR(o, start_factor=1, end_factor=0.2, total_iters=20))
run("linear_warm", warm_up(lambda o: s.LinearLR(o, start_factor=1, end_factor=0.1, total_iters=16)))
run("one_cycle", lambda o: s.OneCycleLR(o, max_lr=0.1, total_steps=24), steps=23)
run("one_cycle_linear", lambda o: s.OneCycleLR(o, max_lr=0.1, total_steps=24, pct_start=0.45,
                                               div_factor=10, final_div_factor=50,
                                               anneal_strategy="linear"), steps=23)
run("multi_step", lambda o: s.MultiStepLR(o, milestones=[3, 7, 7, 15], gamma=0.5))
run("exponential", warm_up(lambda o: s.ExponentialLR(o, gamma=0.8)))
run("restarts", lambda o: s.CosineAnnealingWarmRestarts(o, T_0=7, eta_min=0.02))
run("restarts_warm", warm_up(lambda o: s.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2)), steps=40)

METRICS = [5.0, 4.0, 4.0, 3.9999, 3.9, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0,
           2.95, 2.9, 2.9, 2.9, 2.9, 2.9, 2.9, 2.9, float("nan"), 2.9, 2.9, 2.9, 2.9]
record.add(metrics=torch.tensor(METRICS))


def plateau(name, sign=1, **options):
    """The rate after each of the metrics."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = s.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for metric in METRICS:
        scheduler.step(sign * metric)
        rates.append(optimizer.param_groups[0]["lr"])
    record.add(**{name: torch.tensor(rates)})


plateau("plateau", patience=2)
plateau("plateau_max", sign=-1, mode="max", patience=1, factor=0.5, threshold=0.2, cooldown=2,
        threshold_mode="abs", min_lr=0.01)
plateau("plateau_eps", patience=0, factor=0.5, threshold=0.02, eps=0.02)
record.write()
