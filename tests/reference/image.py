#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small files of every kind that is read (NAME.file, bytes) and what Pillow sees in them (NAME.rgb)."""
import io

import numpy as np
import torch
from common import Recorder
from PIL import Image, ImageOps

record = Recorder()


def add(name, data, rgb=None):
    if rgb is None:
        rgb = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    rgb = torch.from_numpy(np.array(rgb)).permute(2, 0, 1)
    record.add(**{f"{name}.file": torch.frombuffer(bytearray(data), dtype=torch.uint8), f"{name}.rgb": rgb})


def save(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


H, W = 12, 17  # rows whose bytes are no multiple of four; smooth, for JPEG
y, x = np.mgrid[0:H, 0:W].astype(np.float64)
colour = np.stack([20 + 12 * x, 230 - 15 * y, 128 + 60 * np.sin(x / 4 + y / 5)], -1)
rgb = Image.fromarray(np.round(colour).astype(np.uint8))
grey = rgb.convert("L")
alpha = Image.fromarray((x * 15).astype(np.uint8))

add("png_rgb", save(rgb, "PNG"))
add("png_grey", save(grey, "PNG"))
add("png_palette", save(rgb.quantize(16), "PNG"))
add("png_one_bit", save(grey.convert("1"), "PNG"))
rgba = rgb.copy()
rgba.putalpha(alpha)
add("png_rgba", save(rgba, "PNG"), rgb)
grey_alpha = grey.convert("LA")
grey_alpha.putalpha(alpha)
add("png_grey_alpha", save(grey_alpha, "PNG"), grey.convert("RGB"))
wide = (np.array(grey).astype(np.uint16) << 8) + 77  # Pillow clips 16 bits; the high byte is meant
add("png_grey_16", save(Image.fromarray(wide), "PNG"), grey.convert("RGB"))
add("bmp_rgb", save(rgb, "BMP"))
add("bmp_palette", save(grey, "BMP"))
add("jpeg_rgb", save(rgb, "JPEG", quality=95, subsampling=0))
add("jpeg_grey", save(grey, "JPEG", quality=95))
add("jpeg_progressive", save(rgb, "JPEG", quality=95, subsampling=0, progressive=True))
add("jpeg_subsampled", save(rgb, "JPEG", quality=95, subsampling=2))
add("ppm", save(rgb, "PPM"))
add("pgm", save(grey, "PPM"))
pixels = np.array(rgb)
add("ppm_comment", b"P6 # made\n# by hand\n17 # wide\n 12\n255\n" + pixels.tobytes(), rgb)
add("ppm_16", b"P6 17 12 65535\n" + (pixels.astype(">u2") * 257).tobytes(), rgb)
add("pgm_15", b"P5 3 1 15\n" + bytes([0, 7, 15]), Image.fromarray(np.array([[[0] * 3, [119] * 3, [255] * 3]], np.uint8)))
for value in range(1, 9):
    exif = Image.Exif()
    exif[0x010F] = "a camera"  # another tag before the one that counts
    exif[0x0112] = value
    add(f"orientation_{value}", save(rgb, "JPEG", quality=95, subsampling=0, exif=exif))
# The other byte order.
motorola = b"Exif\0\0MM\0*" + bytes([0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0])
add("orientation_big_endian", save(rgb, "JPEG", quality=95, subsampling=0, exif=motorola))
for format in ("GIF", "TIFF", "WEBP"):
    add(format.lower(), save(rgb, format), rgb)
record.write()
