#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Encoders, decoders and whole transformers under every mask, from PyTorch's own modules."""
import torch
from common import Recorder, uniform
from modules import randomize, record_module
from torch import nn

DIM, HEADS, HIDDEN = 8, 2, 12
record = Recorder()

source, target = uniform(2, 7, DIM, seed=1), uniform(2, 5, DIM, seed=2)
dout = uniform(2, 5, DIM, seed=3).detach()
source_padding = torch.ones(2, 7, dtype=torch.bool)  # true where a token takes part
source_padding[1, 4:] = False
target_padding = torch.ones(2, 5, dtype=torch.bool)
target_padding[0, 3:] = False
additive = uniform(5, 7, seed=4, low=-2, high=2).detach()
causal = torch.triu(torch.full((5, 5), -torch.inf), diagonal=1)
record.add(dout=dout, additive=additive)


def run(case, module, call, *inputs):
    randomize(module)
    inputs = [i.detach().clone().requires_grad_() for i in inputs]
    out = call(module, *inputs)
    out.backward(dout)
    record_module(record, case, module, out, inputs)


def padding(mask):
    """As PyTorch wants it next to an additive mask: -inf where a token does not take part."""
    return torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)


for kind, norm_first, activation in (("pre", True, "gelu"), ("post", False, "relu")):
    layer = {
        "dim_feedforward": HIDDEN, "dropout": 0.0, "activation": activation, "batch_first": True,
        "norm_first": norm_first,
    }
    encoder_layer = nn.TransformerEncoderLayer(DIM, HEADS, **layer)
    encoder = nn.TransformerEncoder(
        encoder_layer, 2, nn.LayerNorm(DIM) if norm_first else None, enable_nested_tensor=False
    )
    run(
        f"encoder_{kind}",
        encoder,
        lambda m, x: m(x, mask=causal, src_key_padding_mask=padding(target_padding)),
        target,
    )
    run(
        f"layer_{kind}",
        nn.TransformerDecoderLayer(DIM, HEADS, **layer),
        lambda m, x, memory: m(
            x,
            memory,
            tgt_mask=causal,
            memory_mask=additive,
            tgt_key_padding_mask=padding(target_padding),
            memory_key_padding_mask=padding(source_padding),
        ),
        target,
        source,
    )
    run(
        f"unmasked_{kind}",
        nn.TransformerDecoderLayer(DIM, HEADS, **layer),
        lambda m, x, memory: m(x, memory),
        target,
        source,
    )
    run(
        f"transformer_{kind}",
        nn.Transformer(DIM, HEADS, 1, 2, **layer),
        lambda m, x, y: m(
            x,
            y,
            tgt_mask=causal,
            src_key_padding_mask=padding(source_padding),
            tgt_key_padding_mask=padding(target_padding),
            memory_key_padding_mask=padding(source_padding),
        ),
        source,
        target,
    )

record.write()
