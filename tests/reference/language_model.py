#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tiny causal language models as GPT-2: logits, loss and the gradients of all weights."""
import torch
import torch.nn.functional as F
from common import Recorder
from modules import randomize, record_module
from torch import nn

VOCABULARY, CONTEXT, DIM, HEADS, HIDDEN, DEPTH = 11, 6, 12, 3, 24, 2


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.proj = nn.Linear(DIM, DIM)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(b, t, c))


class Mlp(nn.Module):
    def __init__(self, approximate):
        super().__init__()
        self.fc1 = nn.Linear(DIM, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, DIM)
        self.approximate = approximate

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate=self.approximate))


class Layer(nn.Module):
    def __init__(self, approximate):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(DIM)
        self.mlp = Mlp(approximate)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class LanguageModel(nn.Module):
    def __init__(self, tied, approximate):
        super().__init__()
        self.token_embedding = nn.Embedding(VOCABULARY, DIM)
        self.position_embedding = nn.Parameter(torch.zeros(CONTEXT, DIM))
        self.encoder = nn.ModuleDict({
            "layers": nn.ModuleList(Layer(approximate) for _ in range(DEPTH)),
            "norm": nn.LayerNorm(DIM),
        })
        if not tied:
            self.head = nn.Linear(DIM, VOCABULARY, bias=False)
        self.tied = tied

    def forward(self, tokens):
        x = self.token_embedding(tokens) + self.position_embedding[: tokens.shape[1]]
        for layer in self.encoder["layers"]:
            x = layer(x)
        weight = self.token_embedding.weight if self.tied else self.head.weight
        return F.linear(self.encoder["norm"](x), weight)


record = Recorder()
generator = torch.Generator().manual_seed(7)
text = torch.randint(VOCABULARY, (3, CONTEXT + 1), generator=generator)
record.add(inputs=text[:, :-1], targets=text[:, 1:])
for case, tied, approximate in (("tied", True, "none"), ("untied", False, "tanh")):
    model = LanguageModel(tied, approximate)
    randomize(model)
    logits = model(text[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())
    loss.backward()
    record.add(**{f"{case}/loss": loss})
    record_module(record, case, model, logits, [])
record.write()
