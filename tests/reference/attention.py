#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
import torch.nn.functional as F
from common import Recorder, uniform

record = Recorder()
q = uniform(2, 3, 5, 4, seed=1, low=-2, high=2)
k = uniform(2, 3, 7, 4, seed=2, low=-2, high=2)
v = uniform(2, 3, 7, 6, seed=3)
attend = torch.rand(2, 7, generator=torch.Generator().manual_seed(4)) > 0.4
attend[:, 0] = True
additive = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(5)) * 2 - 1
record.add(attend=attend.to(torch.float64), additive=additive)

attention = F.scaled_dot_product_attention
record.case("plain", attention, q, k, v)
record.case("scaled", lambda q, k, v: attention(q, k, v, scale=0.7), q, k, v)
record.case("causal", lambda q, k, v: attention(q, k, v, is_causal=True), q, k, v)
record.case("padding", lambda q, k, v: attention(q, k, v, attn_mask=attend[:, None, None]), q, k, v)
record.case("additive", lambda q, k, v: attention(q, k, v, attn_mask=additive), q, k, v)


def packed(*parts):
    """Joins (B, H, T, D) parts to (B, T, parts H D)."""
    return torch.cat([x.transpose(1, 2).flatten(2) for x in parts], 2).detach().requires_grad_()


def split(x, heads, parts):
    """The way back, as a projection's result is read."""
    return x.unflatten(2, (parts, heads, -1)).permute(2, 0, 3, 1, 4)


def joined(x):
    return x.transpose(1, 2).flatten(2)


x = packed(k, k * 0.5 + 0.1, k * k - 1)
record.case("self", lambda x: joined(attention(*split(x, 3, 3))), x)
y, z = packed(q), packed(k, k * k - 1)
record.case("cross", lambda y, z: joined(attention(*split(y, 3, 1), *split(z, 3, 2))), y, z)

angles = uniform(2, 7, 2, seed=7, low=-3, high=3)
cosine, sine = (f(angles).repeat(1, 1, 2)[:, None] for f in (torch.cos, torch.sin))


def rotated(x):
    """Rotary positions, as models with half of each head's numbers in a pair's first place do."""
    a, b = x.chunk(2, -1)
    return x * cosine + torch.cat([-b, a], -1) * sine


record.add(rotary=torch.cat([torch.cos(angles), torch.sin(angles)], -1))


def rotary(x):
    q, k, v = split(x, 3, 3)
    return joined(attention(rotated(q), rotated(k), v))


record.case("rotary", rotary, x)

# PyTorch's own module on the same weights: how the packed projection is laid out.
module = torch.nn.MultiheadAttention(12, 3, batch_first=True)
tokens = uniform(2, 7, 12, seed=6)
projected = F.linear(tokens, module.in_proj_weight, module.in_proj_bias).detach()
module.out_proj.weight.data = torch.eye(12)
module.out_proj.bias.data.zero_()
record.add(module_qkv=projected, module_out=module(tokens, tokens, tokens)[0])
record.write()
