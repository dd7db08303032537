#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The training of `char_lm train` in PyTorch: the same model, text, split, batches, loss, optimiser,
learning rates and measurements. Prints the losses, and a line of JSON at the end.

    python3 char_lm_torch.py --text FILE --threads 2

It is written as a PyTorch user would for speed: fused attention, fused AdamW, windows of the text
taken by one indexing. `pip install torch` is all it needs.
"""

import argparse
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional as F


def options():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--text", required=True, metavar="FILE")
    number = dict(type=int, metavar="N")
    parser.add_argument("--depth", default=4, **number)
    parser.add_argument("--heads", default=4, **number)
    parser.add_argument("--dim", default=128, **number)
    parser.add_argument("--context", default=64, **number)
    parser.add_argument("--steps", default=2000, **number)
    parser.add_argument("--batch", default=12, **number)
    parser.add_argument("--lr", default=1e-3, type=float, metavar="X")
    parser.add_argument("--final-lr", default=1e-4, type=float, metavar="X")
    parser.add_argument("--warmup", default=100, **number)
    parser.add_argument("--weight-decay", default=0.1, type=float, metavar="X")
    parser.add_argument("--clip", default=1.0, type=float, metavar="X")
    parser.add_argument("--eval-every", default=250, **number)
    parser.add_argument("--eval-batches", default=20, **number)
    parser.add_argument("--seed", default=1337, **number)
    parser.add_argument("--threads", default=2, **number)
    parser.add_argument("--compile", action="store_true", help="torch.compile the model")
    return parser.parse_args()


class Layer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, 4 * dim)
        self.down = nn.Linear(4 * dim, dim)

    def forward(self, x):
        batch, length, dim = x.shape
        packed = self.qkv(self.norm_attention(x)).view(batch, length, 3, self.heads, -1)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, dim))
        return x + self.down(F.gelu(self.up(self.norm_mlp(x))))


class LanguageModel(nn.Module):
    """GPT-2 with its initial weights; the head multiplies by the token embedding."""

    def __init__(self, vocabulary, settings):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, settings.dim)
        self.positions = nn.Parameter(torch.empty(settings.context, settings.dim))
        self.layers = nn.Sequential(
            *[Layer(settings.dim, settings.heads) for _ in range(settings.depth)]
        )
        self.norm = nn.LayerNorm(settings.dim)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * settings.depth if last else 1))
            elif "norm" not in name:
                nn.init.zeros_(parameter)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions[: tokens.shape[1]]
        return F.linear(self.norm(self.layers(x)), self.tokens.weight)


def loss_of(model, batch):
    logits = model(batch[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def mean_loss(model, batches):
    model.eval()
    with torch.inference_mode():
        total, count = 0.0, 0
        for batch in batches:
            total += loss_of(model, batch).item() * batch[:, 1:].numel()
            count += batch[:, 1:].numel()
    model.train()
    return total / count


def random_batch(text, settings, generator):
    """Windows of context + 1 characters: (batch, context + 1)."""
    starts = torch.randint(len(text) - settings.context, (settings.batch,), generator=generator)
    return text.unfold(0, settings.context + 1, 1)[starts]


def learning_rate(step, settings):
    warmup = min(settings.warmup, settings.steps)
    if step < warmup:
        return settings.lr * (step + 1) / (warmup + 1)
    t = (step - warmup) / max(1, settings.steps - warmup)
    cosine = (1 + math.cos(math.pi * t)) / 2
    return settings.final_lr + (settings.lr - settings.final_lr) * cosine


def make_optimizer(model, settings):
    """Weight decay for what multiplies and for the token embedding, as eigengrad's decay_groups."""
    decays = {p for n, p in model.named_parameters() if p.dim() == 2 and n != "positions"}
    groups = [
        {"params": [p for p in model.parameters() if p in decays]},
        {"params": [p for p in model.parameters() if p not in decays], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=settings.lr, betas=(0.9, 0.99), weight_decay=settings.weight_decay, fused=True
    )


def train(model, text, validation, settings):
    """Returns the last losses and the seconds of the steps, without those of the measurements."""
    forward = torch.compile(model) if settings.compile else model
    optimizer = make_optimizer(model, settings)
    generator = torch.Generator().manual_seed(settings.seed + 1)
    seconds = 0.0
    for step in range(settings.steps + 1):
        if step % settings.eval_every == 0 or step == settings.steps:
            losses = []
            for part in (text, validation):
                fixed = torch.Generator().manual_seed(settings.seed + 2)
                batches = (random_batch(part, settings, fixed) for _ in range(settings.eval_batches))
                losses.append(mean_loss(model, batches))
            print(f"step {step:5}  train {losses[0]:.4f}  validation {losses[1]:.4f}", flush=True)
            if step == settings.steps:
                return losses, seconds
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss_of(forward, random_batch(text, settings, generator)).backward()
        if settings.clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        optimizer.step()
        seconds += time.perf_counter() - start


def main():
    settings = options()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    with open(settings.text, encoding="utf-8", newline="") as file:
        text = file.read()
    number = {character: i for i, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([number[character] for character in text])
    split = int(len(tokens) * 0.9)
    model = LanguageModel(len(number), settings)
    start = time.perf_counter()
    losses, step_seconds = train(model, tokens[:split], tokens[split:], settings)
    windows = tokens[split:].unfold(0, settings.context + 1, settings.context)
    line = {
        "peer": "pytorch " + torch.__version__ + (" compiled" if settings.compile else ""),
        "threads": settings.threads,
        "parameters": sum(p.numel() for p in model.parameters()),
        "ms_per_step": round(1000 * step_seconds / settings.steps, 3),
        "train_loss": losses[0],
        "sampled_validation_loss": losses[1],
        "validation_loss": mean_loss(model, windows.split(settings.batch)),
        "seconds": round(time.perf_counter() - start, 2),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
