#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The step of vit_step in PyTorch: the same model, loss and optimiser on synthetic images.

    python3 vit_torch.py --batch 64 --dim 192 --depth 6 --heads 3 --threads 2

It is written as a PyTorch user would for speed: fused attention, fused modules where PyTorch has
them. `pip install torch` is all it needs.
"""

import torch
from torch import nn
from torch.nn import functional as F

import common


class EncoderLayer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, dim, heads, head_dim, hidden):
        super().__init__()
        self.heads = heads
        inner = heads * head_dim if head_dim else dim
        self.norm_attention = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * inner)
        self.out = nn.Linear(inner, dim)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim)
        )

    def forward(self, x):
        batch, length, _ = x.shape
        packed = self.qkv(self.norm_attention(x)).view(batch, length, 3, self.heads, -1)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp(x)


class PatchTokens(nn.Module):
    """Patches as rows, projected, after a class token; the class token is read out."""

    def __init__(self, settings):
        super().__init__()
        self.patch = settings.patch
        self.projection = nn.Linear(3 * settings.patch**2, settings.dim)
        self.class_token = nn.Parameter(torch.zeros(1, 1, settings.dim))

    def forward(self, images):
        patches = F.unfold(images, self.patch, stride=self.patch).transpose(1, 2)
        first = self.class_token.expand(images.shape[0], -1, -1)
        return torch.cat([first, self.projection(patches)], dim=1)

    def read_out(self, x):
        return x[:, 0]


class ConvolutionTokens(nn.Module):
    """3x3 convolutions, each with ReLU and a 3/2 max-pool; tokens are read out by their weights."""

    def __init__(self, settings):
        super().__init__()
        self.stages = nn.Sequential(
            *[
                nn.Sequential(
                    nn.Conv2d(i, o, 3, padding=1, bias=False),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(3, stride=2, padding=1),
                )
                for i, o in common.widths(settings)
            ]
        )
        self.score = nn.Linear(settings.dim, 1)

    def forward(self, images):
        return self.stages(images).flatten(2).transpose(1, 2)

    def read_out(self, x):
        weights = self.score(x).softmax(dim=1)
        return (weights.transpose(1, 2) @ x).squeeze(1)


class VisionTransformer(nn.Module):
    def __init__(self, settings):
        super().__init__()
        dim = settings.dim
        self.tokens = (ConvolutionTokens if settings.channels else PatchTokens)(settings)
        self.positions = nn.Parameter(torch.empty(1, common.tokens(settings), dim).normal_(0, 0.02))
        self.layers = nn.Sequential(
            *[
                EncoderLayer(dim, settings.heads, settings.head_dim, dim * settings.mlp_ratio)
                for _ in range(settings.depth)
            ]
        )
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, images):
        x = self.norm(self.layers(self.tokens(images) + self.positions))
        return self.head(self.tokens.read_out(x))


def main():
    parser = common.options("One training step of a ViT in PyTorch; a line of JSON.")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model")
    parser.add_argument("--channels-last", action="store_true", help="images and filters as NHWC")
    settings = parser.parse_args()

    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    layout = torch.channels_last if settings.channels_last else torch.contiguous_format
    model = VisionTransformer(settings).to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    images = torch.randn(settings.batch, 3, settings.image, settings.image)
    images = images.contiguous(memory_format=layout)
    labels = torch.randint(0, 10, (settings.batch,))
    forward = torch.compile(model) if settings.compile else model

    def infer():
        with torch.inference_mode():
            forward(images)

    def train():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(forward(images), labels).backward()
        optimizer.step()

    model.train(not settings.inference)
    step = infer if settings.inference else train
    common.report(step, settings, "pytorch " + torch.__version__, settings.compile)


if __name__ == "__main__":
    main()
