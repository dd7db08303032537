# SPDX-License-Identifier: MIT
"""What the peers' programs share: the options of vit_step, the timing, and its line of JSON."""

import argparse
import json
import resource
import statistics
import time


def options(description):
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    number = dict(type=int, metavar="N")
    parser.add_argument("--batch", default=64, help="images per step", **number)
    parser.add_argument("--image", default=32, help="side of the images", **number)
    parser.add_argument("--patch", default=4, help="side of a patch", **number)
    parser.add_argument(
        "--channels", default="", metavar="C,C", help="convolutional tokenizer, e.g. 32,96"
    )
    parser.add_argument("--dim", default=192, help="width of a token", **number)
    parser.add_argument("--depth", default=6, help="encoder layers", **number)
    parser.add_argument("--heads", default=3, help="attention heads", **number)
    parser.add_argument("--head-dim", default=0, help="width of a head; 0: dim / heads", **number)
    parser.add_argument("--mlp-ratio", default=4, help="hidden width of the MLP over dim", **number)
    parser.add_argument("--threads", default=2, help="threads", **number)
    parser.add_argument("--steps", default=20, help="timed steps (the median counts)", **number)
    parser.add_argument("--warmup", default=3, help="steps before", **number)
    parser.add_argument("--inference", action="store_true", help="forward only, no gradients")
    return parser


def widths(settings):
    """Channels in and out of each of the tokenizer's convolutions."""
    chain = [3, *map(int, settings.channels.split(",")), settings.dim]
    return list(zip(chain[:-1], chain[1:]))


def tokens(settings):
    """The number of tokens of an image, the class token included."""
    if settings.channels:
        return (settings.image >> len(widths(settings))) ** 2
    return (settings.image // settings.patch) ** 2 + 1


def report(step, settings, peer, compiled):
    """Times `step` and prints the same keys as `vit_step --json`."""
    for _ in range(settings.warmup):
        step()
    seconds = []
    for _ in range(settings.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    line = {
        "peer": peer,
        "compile": compiled,
        "bf16": False,
        "inference": settings.inference,
        "threads": settings.threads,
        "batch": settings.batch,
        "dim": settings.dim,
        "depth": settings.depth,
        "channels": settings.channels,
        "images_per_s": round(settings.batch / median, 1),
        "ms_per_step": round(median * 1e3, 2),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(line))
