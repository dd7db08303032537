#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Attention, encoder layers and whole tiny vision transformers, from PyTorch's own modules.

One file for the layers, and one for each vision transformer.
"""
import pathlib

import torch
import torch.nn.functional as F
from common import Recorder, uniform
from modules import randomize, record_module
from safetensors.torch import save_file
from torch import nn


def layers(record):
    dim, heads = 12, 3
    x, memory = uniform(2, 5, dim, seed=1), uniform(2, 7, dim, seed=2)
    dout = uniform(2, 5, dim, seed=3).detach()
    record.add(dout=dout)

    def run(case, module, call, *inputs):
        randomize(module)
        inputs = [i.detach().clone().requires_grad_() for i in inputs]
        out = call(module, *inputs)
        out.backward(dout)
        record_module(record, case, module, out, inputs)

    def attention():
        return nn.MultiheadAttention(dim, heads, batch_first=True)

    mask = torch.ones(2, 7, dtype=torch.bool)
    mask[1, 4:] = False
    run("self", attention(), lambda m, x: m(x, x, x, need_weights=False)[0], x)
    run("cross", attention(), lambda m, x, y: m(x, y, y, need_weights=False)[0], x, memory)
    run(
        "masked",
        attention(),
        lambda m, x, y: m(x, y, y, key_padding_mask=~mask, need_weights=False)[0],
        x,
        memory,
    )
    for case, norm_first, activation in (("pre", True, F.gelu), ("post", False, F.relu)):
        layer = nn.TransformerEncoderLayer(
            dim, heads, 2 * dim, dropout=0.0, activation=activation, batch_first=True,
            norm_first=norm_first,
        )
        run(case, layer, lambda m, x: m(x), x)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, c))


class LocalityAttention(Attention):
    """S. H. Lee et al., arXiv 2112.13492: a learned scale a head, and the diagonal masked."""

    def __init__(self, dim, heads):
        super().__init__(dim, heads)
        self.scale = nn.Parameter(torch.ones(heads))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * self.scale[:, None, None]
        scores = scores.masked_fill(torch.eye(t, dtype=torch.bool), -torch.inf)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads, hidden, attention):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, 1e-6)
        self.attn = attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, 1e-6)
        self.mlp = Mlp(dim, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, dim, stride=None, padding=0):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, stride or patch, padding)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class ShiftedPatchEmbed(nn.Module):
    """S. H. Lee et al., arXiv 2112.13492; the numbers of a patch by channel, row and column."""

    def __init__(self, patch, dim):
        super().__init__()
        self.patch = patch
        self.proj = nn.Conv2d(15, dim, patch, patch)
        self.norm = nn.LayerNorm(15 * patch * patch)

    def forward(self, x):
        s, (h, w) = self.patch // 2, x.shape[2:]
        wide = F.pad(x, (s, s, s, s))
        shifts = [wide[:, :, i : i + h, j : j + w] for i in (0, 2 * s) for j in (0, 2 * s)]
        patches = F.unfold(torch.cat([x, *shifts], 1), self.patch, stride=self.patch)
        normed = self.norm(patches.transpose(1, 2))
        return F.linear(normed, self.proj.weight.flatten(1), self.proj.bias)


class StagesTokenizer(nn.Module):
    """Whitening 2x2, then stages of two convolutions with batch norm, GELU and a residual."""

    def __init__(self, channels):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        sides = [c for i, o in zip([24] + channels, channels) for c in ((i, o), (o, o))]
        self.conv_layers = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in sides)
        self.norm_layers = nn.ModuleList(nn.BatchNorm2d(o) for _, o in sides)

    def forward(self, x):
        x = F.gelu(self.whiten(x))
        for i in range(0, len(self.conv_layers), 2):
            x = F.max_pool2d(self.conv_layers[i](x), 2)
            x = F.gelu(self.norm_layers[i](x))
            x = x + F.gelu(self.norm_layers[i + 1](self.conv_layers[i + 1](x)))
        return x.flatten(2).transpose(1, 2)


class Tokenizer(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv_layers = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip([3] + channels, channels)
        )

    def forward(self, x):
        for conv in self.conv_layers:
            x = F.max_pool2d(F.relu(conv(x)), 3, 2, 1)
        return x.flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """As timm's, and with the norm before the pooling in every case."""

    def __init__(self, pooling, tokenizer, tokens, dim=24, depth=2, heads=3, hidden=48, classes=5,
                 attention=Attention):
        super().__init__()
        self.pooling = pooling
        if pooling == "class_token":
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
            tokens += 1
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, dim))
        if isinstance(tokenizer, (Tokenizer, StagesTokenizer)):
            self.tokenizer = tokenizer
        else:
            self.patch_embed = tokenizer
        self.blocks = nn.ModuleList(Block(dim, heads, hidden, attention) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, 1e-6)
        if pooling == "sequence":
            self.attention_pool = nn.Linear(dim, 1)
        self.head = nn.Linear(dim * (tokens if pooling == "flatten" else 1), classes)

    def forward(self, images):
        x = self.tokenizer(images) if hasattr(self, "tokenizer") else self.patch_embed(images)
        if self.pooling == "class_token":
            x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1)
        x = x + self.pos_embed
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        if self.pooling == "class_token":
            x = x[:, 0]
        elif self.pooling == "mean":
            x = x.mean(1)
        elif self.pooling == "flatten":
            x = x.flatten(1)
        else:
            weights = F.softmax(self.attention_pool(x), dim=1)
            x = (weights.transpose(1, 2) @ x).squeeze(1)
        return self.head(x)


def vit(record, case, model, trained=True):
    randomize(model)
    images = uniform(3, 3, 16, 16, seed=5, low=-2, high=2)
    labels = torch.tensor([4, 0, 2])
    logits = model(images)
    loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
    loss.backward()
    record.add(**{f"{case}/loss": loss, f"{case}/labels": labels})
    record_module(record, case, model, logits, [images])
    if trained:
        record.add(**{f"{case}/training": training(model, images.detach(), labels)})


def training(model, images, labels):
    """The losses of ten steps of AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def write(name, fill, *arguments):
    record = Recorder()
    fill(record, *arguments)
    save_file(record.arrays, pathlib.Path(__file__).with_name(f"vit_{name}.safetensors"))


write("layers", layers)
write("class_token", vit, "class_token", VisionTransformer("class_token", PatchEmbed(4, 24), 16))
write("mean", vit, "mean", VisionTransformer("mean", PatchEmbed(4, 24), 16))
write("sequence", vit, "sequence", VisionTransformer("sequence", Tokenizer([8, 24]), 16))

# Smaller ones, for the variants.
small = {"dim": 12, "depth": 1, "heads": 2, "hidden": 24}
shifted = VisionTransformer(
    "class_token", ShiftedPatchEmbed(4, 12), 16, attention=LocalityAttention, **small
)
write("shifted", vit, "shifted", shifted, False)
overlap = VisionTransformer("mean", PatchEmbed(4, 12, 2, 1), 64, **small)
write("overlap", vit, "overlap", overlap, False)
stages = VisionTransformer("sequence", StagesTokenizer([8, 12]), 9, **small)
write("stages", vit, "stages", stages, False)
