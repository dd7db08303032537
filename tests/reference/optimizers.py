#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""20 steps of optimisers over four tensors in two groups, some without gradients at times.

SGD, Adam, AdamW and Adafactor are PyTorch's; Lion and LAMB are written out from their papers.
NAME.out (20, 38) holds all parameters after each step, one tensor after the other.
"""
import torch
from common import Recorder, uniform

SHAPES = [(3, 5), (7,), (2, 3, 2), (2, 2)]
STEPS = 20


def missing(step, i):
    """The last tensor never has a gradient; two others lack one on some steps."""
    return i == 3 or (i == 1 and step in (0, 1, 6)) or (i == 2 and step % 5 == 4)


class Lion(torch.optim.Optimizer):
    """X. Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2."""

    def __init__(self, groups, lr, betas=(0.9, 0.99), weight_decay=0.0, maximize=False, **_):
        super().__init__(groups, dict(lr=lr, betas=betas, weight_decay=weight_decay,
                                      maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = -p.grad if group["maximize"] else p.grad
                m = self.state[p].get("m", torch.zeros_like(p))
                c = beta1 * m + (1 - beta1) * g
                p -= group["lr"] * (c.sign() + group["weight_decay"] * p)
                self.state[p]["m"] = beta2 * m + (1 - beta2) * g


class Lamb(torch.optim.Optimizer):
    """Y. You et al., "Large batch optimization for deep learning", 2020, algorithm 2, phi(z) = z."""

    def __init__(self, groups, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01, maximize=False,
                 **_):
        super().__init__(groups, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                                      maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = -p.grad if group["maximize"] else p.grad
                s = self.state[p]
                s["t"] = t = s.get("t", 0) + 1
                s["m"] = m = beta1 * s.get("m", torch.zeros_like(p)) + (1 - beta1) * g
                s["v"] = v = beta2 * s.get("v", torch.zeros_like(p)) + (1 - beta2) * g * g
                r = m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + group["eps"])
                u = r + group["weight_decay"] * p
                p -= group["lr"] * p.norm() / u.norm() * u


record = Recorder()
start = [uniform(*s, seed=10 + i).detach() for i, s in enumerate(SHAPES)]
gradients = [[uniform(*s, seed=100 * step + i, low=-2, high=2).detach()
              for i, s in enumerate(SHAPES)] for step in range(STEPS)]
for i, x in enumerate(start):
    record.add(**{f"start{i}": x,
                  f"gradients{i}": torch.stack([g[i] for g in gradients])})


def run(name, make, second, **options):
    parameters = [x.clone().requires_grad_() for x in start]
    optimizer = make([{"params": parameters[:2]}, {"params": parameters[2:], **second}],
                     foreach=False, **options)
    out = []
    for step in range(STEPS):
        optimizer.zero_grad()
        for i, p in enumerate(parameters):
            if not missing(step, i):
                p.grad = gradients[step][i].clone()
        if step == 10:  # as a schedule would
            for group in optimizer.param_groups:
                group["lr"] *= 0.5
        optimizer.step()
        out.append(torch.cat([p.detach().flatten() for p in parameters]))
    record.add(**{f"{name}.out": torch.stack(out)})


second = {"lr": 0.02, "weight_decay": 0.3}
sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
run("sgd", sgd, second, lr=0.05)
run("sgd_decay", sgd, second, lr=0.05, weight_decay=0.1)
run("sgd_momentum", sgd, second, lr=0.05, momentum=0.9)
run("sgd_dampening", sgd, second, lr=0.05, momentum=0.9, dampening=0.4, weight_decay=0.1)
run("sgd_nesterov", sgd, second, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1)
run("sgd_maximize", sgd, second, lr=0.05, momentum=0.9, maximize=True, weight_decay=0.1)
run("adam", adam, second, lr=0.05)
run("adam_l2", adam, second, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)
run("adam_amsgrad", adam, second, lr=0.05, betas=(0.5, 0.6), amsgrad=True)
run("adamw", adamw, second, lr=0.05)
run("adamw_decay", adamw, second, lr=0.05, betas=(0.9, 0.99), eps=1e-4, weight_decay=0.5)
run("adamw_flags", adamw, second, lr=0.05, betas=(0.5, 0.6), amsgrad=True, maximize=True)

# Options of a group.
run("sgd_groups", sgd, {**second, "momentum": 0.6, "dampening": 0.2, "maximize": True}, lr=0.05)
run("sgd_group_nesterov", sgd, {**second, "momentum": 0.6, "nesterov": True}, lr=0.05, momentum=0.9)
run("adamw_groups", adamw, {**second, "betas": (0.5, 0.6), "eps": 1e-2, "amsgrad": True,
                            "maximize": True}, lr=0.05)
run("lion_groups", Lion, {**second, "betas": (0.5, 0.6)}, lr=0.05)
run("lamb_groups", Lamb, {**second, "betas": (0.5, 0.6), "eps": 1e-2}, lr=0.05)

run("lion", Lion, second, lr=0.05)
run("lion_flags", Lion, second, lr=0.05, betas=(0.8, 0.95), weight_decay=0.1, maximize=True)
run("lamb", Lamb, second, lr=0.05)
run("lamb_flags", Lamb, second, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1,
    maximize=True)
adafactor = torch.optim.Adafactor
run("adafactor", adafactor, second, lr=0.05)
run("adafactor_flags", adafactor, second, lr=0.4, beta2_decay=-0.6, eps=(1e-2, 0.5), d=1.2,
    weight_decay=0.1, maximize=True)

# Clipping: one tensor without a gradient.
for name, bound in (("clip", 1.5), ("loose", 100.0)):
    parameters = [x.clone().requires_grad_() for x in start]
    for p, g in list(zip(parameters, gradients[0]))[:3]:
        p.grad = g.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, bound)
    record.add(**{f"{name}.norm": norm})
    for i in range(3):
        record.add(**{f"{name}.grad{i}": parameters[i].grad})
for i in range(3):
    parameters[i].grad = gradients[0][i].clone()
torch.nn.utils.clip_grad_value_(parameters, 0.7)
for i in range(3):
    record.add(**{f"value.grad{i}": parameters[i].grad})
record.write()
