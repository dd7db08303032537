# SPDX-License-Identifier: MIT
"""What the reference scripts of whole modules share: weights, and how they are recorded.

Weights are recorded under the names that eigengrad (and timm) give them: CASE/weight/NAME, and
their gradients CASE/gradient/NAME.
"""
import torch
from common import uniform


def renamed(name):
    """PyTorch's name of a transformer layer's or MultiheadAttention's parameter as ours."""
    for old, new in (
        ("self_attn.", "attn."),
        ("multihead_attn.", "cross_attn."),
        ("in_proj_", "qkv."),
        ("out_proj", "proj"),
        ("linear", "mlp.fc"),
    ):
        name = name.replace(old, new)
    return name


def randomize(module):
    """Reproducible weights of a size that keeps the activations near 1."""
    for i, (name, p) in enumerate(module.named_parameters()):
        bound = 0.5 if p.dim() == 1 else (3 / p[0].numel()) ** 0.5
        start = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        with torch.no_grad():
            p.copy_(uniform(*p.shape, seed=1000 + i, low=-bound, high=bound).detach() + start)


def record_module(record, case, module, out, inputs):
    record.add(**{f"{case}/weight/{renamed(n)}": p for n, p in module.named_parameters()})
    record.add(**{f"{case}/buffer/{n}": b for n, b in module.named_buffers() if b.dim() > 0})
    record.add(**{f"{case}/input{i}": x for i, x in enumerate(inputs)}, **{f"{case}/output": out})
    record.add(
        **{
            f"{case}/gradient/{renamed(n)}": p.grad
            for n, p in module.named_parameters()
            if p.requires_grad
        }
    )
    record.add(**{f"{case}/gradient{i}": x.grad for i, x in enumerate(inputs) if x.grad is not None})
