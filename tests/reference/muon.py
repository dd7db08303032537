#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""10 steps of Muon, written from its description (K. Jordan et al., 2024), over matrices of all
forms; NAME.out (10, n) holds a parameter after each step."""
import torch
from common import Recorder, uniform

STEPS = 10


def orthogonal(u, rounds=5):
    x = u / u.norm()
    transposed = x.shape[0] > x.shape[1]
    if transposed:
        x = x.T
    for _ in range(rounds):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x.T if transposed else x


record = Recorder()


def run(name, shape, blocks=1, lr=0.02, momentum=0.9, decay=0.02, nesterov=True, row_norm=0,
        skip=()):
    w = uniform(*shape, seed=5).detach()
    record.add(**{f"{name}.start": w})
    buffer = torch.zeros(shape)
    out, gradients = [], []
    for step in range(STEPS):
        g = uniform(*shape, seed=50 + step, low=-3, high=3).detach()
        gradients.append(g)
        if step not in skip:
            buffer = momentum * buffer + g
            u = g + momentum * buffer if nesterov else buffer
            moved = []
            for wi, ui in zip(w.flatten(1).chunk(blocks), u.flatten(1).chunk(blocks)):
                rows, columns = wi.shape
                if row_norm:
                    wi = wi * row_norm * rows ** 0.5 / wi.norm()
                moved.append((1 - lr * decay) * wi -
                             lr * max(1, rows / columns) ** 0.5 * orthogonal(ui))
            w = torch.cat(moved).reshape(shape)
        out.append(w)
    record.add(**{f"{name}.gradients": torch.stack(gradients), f"{name}.out": torch.stack(out)})


run("square", (6, 6))
run("tall", (17, 5))
run("wide", (4, 19), skip=(0, 3))
run("conv", (8, 3, 2, 2))
run("conv_tall", (20, 2, 3, 1), lr=0.1, decay=0.3)
run("qkv", (12, 4), blocks=3)
run("plain", (7, 9), momentum=0.5, nesterov=False)
run("row_norm", (6, 3, 2, 2), lr=0.2, momentum=0.6, row_norm=1.5)
run("row_norm_blocks", (6, 5), blocks=3, row_norm=1)
record.write()
