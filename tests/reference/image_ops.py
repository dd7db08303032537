#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The operations of augmentation policies, as Pillow does them, on images of bytes (C, H, W)."""
import math

import numpy as np
import torch
from common import Recorder
from PIL import Image, ImageEnhance, ImageOps

record = Recorder()
rng = np.random.default_rng(7)
H, W = 15, 22
# Shades with some noise, as in a photograph, and a corner of pure noise.
y, x = np.mgrid[0:H, 0:W]
planes = np.stack([60 + 3 * x + y, 200 - 2 * x - 3 * y, 90 + 40 * np.sin(x / 5 + y / 3)])
planes = planes + rng.normal(0, 6, planes.shape)
planes[:, :6, :9] = rng.integers(0, 256, (3, 6, 9))
colour = np.clip(planes, 0, 255).astype(np.uint8)
images = {"colour": colour, "grey": colour[:1], "small": colour[:, 7:9, 12:16],
          "square": colour[:, :15, :15]}


def pillow(array):
    return Image.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0).copy())


def bytes_of(image):
    array = np.asarray(image)
    array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    return torch.from_numpy(array.copy())


def add(op, value, function, only=None):
    for name, array in images.items():
        if only is None or name in only:
            record.add(**{f"{op}.{value}.{name}": bytes_of(function(pillow(array)))})


for name, array in images.items():
    record.add(**{name: torch.from_numpy(array.copy())})
add("invert", 0, ImageOps.invert)
add("autocontrast", 0, ImageOps.autocontrast)
add("equalize", 0, ImageOps.equalize)
for bits in (1, 4, 7, 8):
    add("posterize", bits, lambda image: ImageOps.posterize(image, bits))
for threshold in (0, 76.5, 128, 255):
    add("solarize", threshold, lambda image: ImageOps.solarize(image, threshold))
for factor in (0, 0.1, 0.37, 0.7, 1, 1.4, 1.9):
    for op, enhance in [("brightness", ImageEnhance.Brightness),
                        ("contrast", ImageEnhance.Contrast),
                        ("saturation", ImageEnhance.Color),
                        ("sharpness", ImageEnhance.Sharpness)]:
        add(op, factor, lambda image: enhance(image).enhance(factor))


def hue(image, factor):
    """torchvision's adjust_hue of an image in Pillow."""
    if image.mode == "L":
        return image
    h, s, v = image.convert("HSV").split()
    rotated = (np.asarray(h).astype(int) + int(factor * 255)) % 256
    return Image.merge("HSV", (Image.fromarray(rotated.astype(np.uint8)), s, v)).convert("RGB")


for factor in (-0.5, -0.1, 0, 0.05, 0.3):
    add("hue", factor, lambda image: hue(image, factor))

RESAMPLE = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}
for mode, resample in RESAMPLE.items():
    def affine(image, matrix, fill):
        fill = fill if image.mode == "L" else (fill,) * 3
        return image.transform(image.size, Image.Transform.AFFINE, matrix, resample,
                               fillcolor=fill)

    for amount in (-0.99, -0.3, 0.11, 0.25):
        tangent = math.tan(math.radians(math.degrees(math.atan(amount))))  # as torchvision
        add(f"shear_x_{mode}", amount, lambda i: affine(i, (1, tangent, 0, 0, 1, 0), 0))
        add(f"shear_y_{mode}", amount, lambda i: affine(i, (1, 0, 0, tangent, 1, 0), 128))
    for pixels in (-32, -3, 5):
        add(f"translate_x_{mode}", pixels, lambda i: affine(i, (1, 0, -pixels, 0, 1, 0), 0))
        add(f"translate_y_{mode}", pixels, lambda i: affine(i, (1, 0, 0, 0, 1, -pixels), 77))
    for angle in (-135, -90, -30, 7.5, 90, 180):
        add(f"rotate_{mode}", angle, lambda i: i.rotate(
            angle, resample, fillcolor=9 if i.mode == "L" else (9, 9, 9)))
    add(f"affine_{mode}", 0, lambda i: affine(i, (0.8, 0.3, 1.25, -0.2, 1.1, -2.5), 30))
record.write()
