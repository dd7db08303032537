#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tiny encoder-decoders with padding: logits, loss and the gradients of all weights."""
import math

import torch
import torch.nn.functional as F
from common import Recorder
from modules import randomize, record_module
from torch import nn

SOURCE, TARGET, DIM, HEADS, HIDDEN, PADDING = 9, 7, 12, 3, 24, 0


def waves(length):
    """As the paper writes them: sines in the even columns, cosines in the odd ones."""
    angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, DIM, 2) / DIM)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


class Seq2Seq(nn.Module):
    def __init__(self, tied, norm_first, activation):
        super().__init__()
        self.source_embedding = nn.Embedding(SOURCE, DIM)
        self.target_embedding = nn.Embedding(TARGET, DIM)
        self.transformer = nn.Transformer(
            DIM, HEADS, 1, 2, HIDDEN, dropout=0.0, activation=activation, batch_first=True,
            norm_first=norm_first,
        )
        if not tied:
            self.head = nn.Linear(DIM, TARGET, bias=False)
        self.tied = tied

    def forward(self, source, target):
        padding = source == PADDING
        x = self.source_embedding(source) * math.sqrt(DIM) + waves(source.shape[1])
        y = self.target_embedding(target) * math.sqrt(DIM) + waves(target.shape[1])
        causal = torch.ones(y.shape[1], y.shape[1], dtype=torch.bool).triu(1)
        out = self.transformer(
            x, y, tgt_mask=causal, src_key_padding_mask=padding, memory_key_padding_mask=padding
        )
        return F.linear(out, (self.target_embedding if self.tied else self.head).weight)


record = Recorder()
source = torch.tensor([[3, 8, 1, 4, 4], [5, 2, 0, 0, 0], [7, 1, 6, 2, 0]])
target = torch.tensor([[1, 5, 6, 2], [1, 2, 0, 0], [1, 3, 4, 0]])
labels = torch.tensor([[5, 6, 2, 4], [2, 0, 0, 0], [3, 4, 2, 0]])
record.add(source=source, target=target, labels=labels)
for case, tied, norm_first, activation in (
    ("pre", True, True, "gelu"), ("post", False, False, "relu"),
):
    model = Seq2Seq(tied, norm_first, activation)
    randomize(model)
    logits = model(source, target)
    loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PADDING)
    loss.backward()
    record.add(**{f"{case}/loss": loss})
    record_module(record, case, model, logits, [])
record.write()
