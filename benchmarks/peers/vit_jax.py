#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The step of vit_step in JAX: the same model, loss and optimiser on synthetic images.

    taskset -c 0,1 python3 vit_jax.py --batch 64 --dim 192 --depth 6 --heads 3 --threads 2

The whole step is one jitted function whose parameters and moments are donated. XLA takes as many
threads as the process has cores: taskset sets them, --threads only says so in the report.
Needs `pip install jax optax`.
"""

import jax
import jax.numpy as jnp
import optax

import common


class Keys:
    """A new random key each time."""

    def __init__(self):
        self.key = jax.random.key(0)

    def normal(self, *shape):
        self.key, once = jax.random.split(self.key)
        return 0.02 * jax.random.normal(once, shape)


def make_parameters(settings):
    keys = Keys()
    dim, hidden = settings.dim, settings.dim * settings.mlp_ratio

    def dense(inputs, outputs):
        return {"kernel": keys.normal(inputs, outputs), "bias": jnp.zeros(outputs)}

    def norm():
        return {"scale": jnp.ones(dim), "bias": jnp.zeros(dim)}

    def layer():
        return {
            "norm1": norm(),
            "qkv": dense(dim, 3 * dim),
            "out": dense(dim, dim),
            "norm2": norm(),
            "up": dense(dim, hidden),
            "down": dense(hidden, dim),
        }

    if settings.channels:
        tokens = {
            "filters": [keys.normal(3, 3, i, o) for i, o in common.widths(settings)],
            "score": dense(dim, 1),
        }
    else:
        tokens = {"projection": dense(3 * settings.patch**2, dim), "class": keys.normal(1, 1, dim)}
    return {
        "tokens": tokens,
        "positions": keys.normal(1, common.tokens(settings), dim),
        "layers": [layer() for _ in range(settings.depth)],
        "norm": norm(),
        "head": dense(dim, 10),
    }


def dense(p, x):
    return x @ p["kernel"] + p["bias"]


def layer_norm(p, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = jnp.square(centred).mean(axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5) * p["scale"] + p["bias"]


def attention(p, x, heads):
    batch, length, dim = x.shape
    packed = dense(p["qkv"], x).reshape(batch, length, 3, heads, dim // heads)
    query, key, value = jnp.moveaxis(packed, 2, 0)
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / jnp.sqrt(dim // heads).astype(x.dtype)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, axis=-1), value)
    return dense(p["out"], mixed.reshape(batch, length, dim))


def encoder_layer(p, x, heads):
    x = x + attention(p, layer_norm(p["norm1"], x), heads)
    hidden = jax.nn.gelu(dense(p["up"], layer_norm(p["norm2"], x)), approximate=False)
    return x + dense(p["down"], hidden)


def convolution_tokens(p, images):
    x = images  # (B, H, W, C)
    for filters in p["filters"]:
        x = jax.lax.conv_general_dilated(
            x, filters, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.lax.reduce_window(
            jax.nn.relu(x),
            -jnp.inf,
            jax.lax.max,
            window_dimensions=(1, 3, 3, 1),
            window_strides=(1, 2, 2, 1),
            padding=((0, 0), (1, 1), (1, 1), (0, 0)),
        )
    return x.reshape(x.shape[0], -1, x.shape[-1])


def patch_tokens(p, images, patch):
    batch, side = images.shape[0], images.shape[1] // patch
    grid = images.reshape(batch, side, patch, side, patch, 3).transpose(0, 1, 3, 2, 4, 5)
    x = dense(p["projection"], grid.reshape(batch, side * side, 3 * patch**2))
    first = jnp.broadcast_to(p["class"], (batch, 1, x.shape[-1]))
    return jnp.concatenate([first, x], axis=1)


def make_forward(settings):
    def forward(p, images):
        if settings.channels:
            x = convolution_tokens(p["tokens"], images)
        else:
            x = patch_tokens(p["tokens"], images, settings.patch)
        x = x + p["positions"]
        for layer in p["layers"]:
            x = encoder_layer(layer, x, settings.heads)
        x = layer_norm(p["norm"], x)
        if settings.channels:
            weights = jax.nn.softmax(dense(p["tokens"]["score"], x), axis=1)
            x = (weights * x).sum(axis=1)
        else:
            x = x[:, 0]
        return dense(p["head"], x)

    return forward


def main():
    settings = common.options("One training step of a ViT in JAX; a line of JSON.").parse_args()
    forward = make_forward(settings)
    optimizer = optax.adamw(1e-3, weight_decay=1e-2)
    parameters = make_parameters(settings)
    state = optimizer.init(parameters)
    key = jax.random.key(1)
    images = jax.random.normal(key, (settings.batch, settings.image, settings.image, 3))
    labels = jax.random.randint(key, (settings.batch,), 0, 10)

    def loss(p, images, labels):
        logits = forward(p, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def update(p, state, images, labels):
        value, gradients = jax.value_and_grad(loss)(p, images, labels)
        change, state = optimizer.update(gradients, state, p)
        return optax.apply_updates(p, change), state, value

    compiled_update = jax.jit(update, donate_argnums=(0, 1))
    compiled_forward = jax.jit(forward)

    def infer():
        compiled_forward(parameters, images).block_until_ready()

    def train():
        nonlocal parameters, state
        parameters, state, value = compiled_update(parameters, state, images, labels)
        jax.block_until_ready((parameters, state, value))

    step = infer if settings.inference else train
    common.report(step, settings, "jax " + jax.__version__, True)


if __name__ == "__main__":
    main()
