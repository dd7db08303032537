#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The training of `translate train` in PyTorch: the same model from torch.nn.Transformer, the same
pairs in the same batches (made before the clock starts), loss, optimiser and learning rates. Prints
a line of JSON.

    translate pairs --task numbers --count 48000 > train.tsv        # steps times batch
    translate pairs --task numbers --count 200 --unseen > unseen.tsv
    python3 translate_torch.py --task numbers --pairs train.tsv --unseen unseen.tsv --threads 2

It is written as a PyTorch user would for speed: fused attention with the causal hint, fused AdamW.
`pip install torch` is all it needs.
"""

import argparse
import json
import math
import re
import time
import warnings

import torch
from torch import nn
from torch.nn import functional as F

PADDING, START, END = 0, 1, 2


def options():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    number = dict(type=int, metavar="N")
    parser.add_argument("--task", default="numbers", choices=["reverse", "sort", "numbers"])
    parser.add_argument("--pairs", required=True, metavar="FILE", help="steps times batch of them")
    parser.add_argument("--unseen", required=True, metavar="FILE", help="pairs that measure")
    parser.add_argument("--encoder-depth", default=2, **number)
    parser.add_argument("--decoder-depth", default=2, **number)
    parser.add_argument("--heads", default=4, **number)
    parser.add_argument("--dim", default=128, **number)
    parser.add_argument("--dropout", default=0.0, type=float, metavar="P")
    parser.add_argument("--steps", default=1500, **number)
    parser.add_argument("--batch", default=32, **number)
    parser.add_argument("--lr", default=1e-3, type=float, metavar="X")
    parser.add_argument("--warmup", default=100, **number)
    parser.add_argument("--weight-decay", default=0.01, type=float, metavar="X")
    parser.add_argument("--clip", default=1.0, type=float, metavar="X")
    parser.add_argument("--eval-every", default=250, **number)
    parser.add_argument("--seed", default=1, **number)
    parser.add_argument("--threads", default=2, **number)
    parser.add_argument("--compile", action="store_true", help="torch.compile the model")
    return parser.parse_args()


def waves(length, dim):
    """Sines in the even columns, cosines in the odd ones: (length, dim)."""
    angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, dim, 2) / dim)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


class Seq2Seq(nn.Module):
    """Embeddings and waves, nn.Transformer, a head without bias."""

    def __init__(self, source_tokens, target_tokens, longest, settings):
        super().__init__()
        dim = settings.dim
        self.source_embedding = nn.Embedding(source_tokens, dim)
        self.target_embedding = nn.Embedding(target_tokens, dim)
        for embedding in (self.source_embedding, self.target_embedding):
            nn.init.normal_(embedding.weight, std=dim**-0.5)
        self.register_buffer("positions", waves(longest, dim), persistent=False)
        self.drop = nn.Dropout(settings.dropout)
        self.transformer = nn.Transformer(
            dim,
            settings.heads,
            settings.encoder_depth,
            settings.decoder_depth,
            4 * dim,
            settings.dropout,
            "gelu",
            batch_first=True,
            norm_first=True,
        )
        self.head = nn.Linear(dim, target_tokens, bias=False)
        self.scale = math.sqrt(dim)

    def place(self, embedding, tokens):
        return self.drop(embedding(tokens) * self.scale + self.positions[: tokens.shape[1]])

    def forward(self, source, target):
        padding = source == PADDING
        causal = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        return self.head(
            self.transformer(
                self.place(self.source_embedding, source),
                self.place(self.target_embedding, target),
                tgt_mask=causal,
                src_key_padding_mask=torch.zeros(padding.shape).masked_fill(padding, -torch.inf),
                memory_key_padding_mask=torch.zeros(padding.shape).masked_fill(padding, -torch.inf),
                tgt_is_causal=True,
            )
        )


def pieces(text, words):
    return re.split("[ -]", text) if words else list(text)


def read(path, task):
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    return [(pieces(source, task == "numbers"), pieces(target, False)) for source, target in lines]


def numbered(sequences):
    known = sorted({piece for sequence in sequences for piece in sequence})
    return {piece: END + 1 + i for i, piece in enumerate(known)}


def padded(sequences):
    rows = [torch.tensor(sequence) for sequence in sequences]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PADDING)


def make_batch(pairs, source_numbers, target_numbers):
    targets = [[target_numbers[piece] for piece in target] for _, target in pairs]
    source = padded([[source_numbers[piece] for piece in source] for source, _ in pairs])
    return source, padded([[START] + t for t in targets]), padded([t + [END] for t in targets])


def loss_of(model, batch, reduction="mean"):
    source, target, labels = batch
    logits = model(source, target).flatten(0, 1)
    return F.cross_entropy(logits, labels.flatten(), ignore_index=PADDING, reduction=reduction)


def mean_loss(model, batches):
    model.eval()
    with torch.inference_mode():
        total = sum(loss_of(model, batch, "sum").item() for batch in batches)
    model.train()
    return total / sum((labels != PADDING).sum().item() for _, _, labels in batches)


def learning_rate(step, settings):
    if step < settings.warmup:
        return settings.lr * (step + 1) / (settings.warmup + 1)
    t = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.lr * (0.05 + 0.95 * (1 + math.cos(math.pi * t)) / 2)


def make_optimizer(model, settings):
    """Weight decay for what multiplies and for the embeddings, as eigengrad's decay_groups."""
    groups = [
        {"params": [p for p in model.parameters() if p.dim() >= 2]},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=settings.lr, betas=(0.9, 0.98), weight_decay=settings.weight_decay, fused=True
    )


def train(model, batches, settings):
    """Returns the losses of all steps, and the seconds that the steps took."""
    forward = torch.compile(model) if settings.compile else model
    optimizer = make_optimizer(model, settings)
    losses = []
    start = time.perf_counter()
    for step, batch in enumerate(batches):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(forward, batch)
        loss.backward()
        if settings.clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        optimizer.step()
        losses.append(loss.item())
    return losses, time.perf_counter() - start


def main():
    warnings.filterwarnings("ignore", message="enable_nested_tensor")
    settings = options()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    pairs, unseen = read(settings.pairs, settings.task), read(settings.unseen, settings.task)
    if len(pairs) < settings.steps * settings.batch:
        raise SystemExit(f"{settings.pairs} must have {settings.steps * settings.batch} pairs")
    everything = pairs + unseen
    numbers = [numbered(side) for side in zip(*everything)]
    longest = 1 + max(len(sequence) for pair in everything for sequence in pair)
    model = Seq2Seq(*(END + 1 + len(n) for n in numbers), longest, settings)
    size = settings.batch
    parts = (pairs[i * size : (i + 1) * size] for i in range(settings.steps))
    losses, seconds = train(model, [make_batch(part, *numbers) for part in parts], settings)
    measured = [make_batch(unseen[i : i + 64], *numbers) for i in range(0, len(unseen), 64)]
    last = losses[-min(settings.eval_every, len(losses)) :]
    line = {
        "peer": "pytorch " + torch.__version__ + (" compiled" if settings.compile else ""),
        "threads": settings.threads,
        "parameters": sum(p.numel() for p in model.parameters()),
        "ms_per_step": round(1000 * seconds / settings.steps, 3),
        "train_loss": sum(last) / len(last),
        "unseen_loss": mean_loss(model, measured),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
