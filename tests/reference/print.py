#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What NumPy prints: each array with its text by numpy.array2string in the file's metadata.

NAME: with NumPy's precision of 8 digits; NAME at 4: with 4.
"""
import pathlib

import numpy as np
from safetensors.numpy import save_file

rng = np.random.default_rng(1)
nan, inf = np.nan, np.inf
arrays = {
    "vector": np.array([1, 2.5, -3, 0]),
    "matrix": rng.standard_normal((3, 4)),
    "float matrix": rng.standard_normal((3, 4)).astype(np.float32),
    "cube": np.arange(12.0).reshape(2, 3, 2) / 4,
    "six axes": np.arange(8.0).reshape(1, 2, 1, 2, 2, 1),
    "long line": rng.standard_normal(40),
    "long lines": rng.standard_normal((2, 1, 17)).astype(np.float32),
    "integers": np.array([[1, -20], [300, 4]]),
    "bytes": np.array([0, 127, 255], np.uint8),
    "truth": np.array([[True, False], [True, True]]),
    "one truth": np.array(True),
    "true": np.array([True, True]),
    "scalar": np.array(1.5),
    "whole scalar": np.array(2.0, np.float32),
    "integer": np.array(-7),
    "empty": np.zeros((0,)),
    "empty rows": np.zeros((3, 0), np.float32),
    "not finite": np.array([1.25, nan, inf, -inf]),
    "not finite short": np.array([nan, inf, 1.0]),
    "nothing finite": np.array([nan, -inf]),
    "nan": np.array(nan),
    "tiny": np.array([1e-5, 1.0]),
    "large": np.array([1e8, 1.0, -2.5e8]),
    "below large": np.array([99999999.0, 1e6]),
    "large float": np.array([1e6, 2.0], np.float32),
    "below large float": np.array([999999.0, 1e3], np.float32),
    "ratio": np.array([1.0, 1000.0]),
    "beyond ratio": np.array([1.0, 1001.0, nan]),
    "smallest positional": np.array([1e-4, 1e-2], np.float32),
    "long exponent": np.array([1e-300, -1.0, 12345.678, inf]),
    "zeros": np.array([0.0, -0.0]),
    "zero and tiny": np.array([0.0, 1e-10, 3e-11], np.float32),
    "carry": np.array([9.999999999, 0.99996, 0.1]),
    "half": np.array([0.00005, 0.125, 2.00015, 0.00025]),
    "third": np.array([1 / 3, 2 / 3, 0.1], np.float32),
    "shortened": np.arange(1001.0),
    "shortened integers": np.arange(1200).reshape(30, 40),
    "shortened cube": (np.arange(1040, dtype=np.float32) / 8).reshape(2, 8, 65),
    "not shortened": np.arange(1000).reshape(100, 10),
    "wide": rng.standard_normal((1, 1100)),
}
texts = {}
for name, array in arrays.items():
    texts[name] = np.array2string(array)
    texts[name + " at 4"] = np.array2string(array, precision=4)
save_file(arrays, pathlib.Path(__file__).with_suffix(".safetensors"), metadata=texts)
