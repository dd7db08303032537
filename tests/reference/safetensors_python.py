#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A file by the Python package, with every dtype that is read: what it holds is in the test."""
import pathlib

import torch
from safetensors.torch import save_file

half = torch.tensor([0.0, -0.0, 1.0, -1.5, 65504.0, 2.0**-14, 2.0**-24, -(2.0**-24) * 3,
                     float("inf"), float("-inf"), float("nan")])
arrays = {
    "F64": torch.tensor([[1.0, 2.0, 1 / 3], [-1e300, 5e-324, 0.1]], dtype=torch.float64),
    "F32": torch.tensor([1.0, -2.5, 1 / 3, 3e38], dtype=torch.float32),
    "F16": half.to(torch.float16),
    "BF16": torch.tensor([1.0, -2.5, 3.140625, 3e38, 1e-40], dtype=torch.bfloat16),
    "I64": torch.tensor([[0], [-1], [2**62 + 1]], dtype=torch.int64),
    "I32": torch.tensor([7, -(2**31), 2**31 - 1], dtype=torch.int32),
    "U8": torch.tensor([[0, 127], [128, 255]], dtype=torch.uint8),
    "BOOL": torch.tensor([True, False, True]),
    "I16": torch.tensor([1, 2], dtype=torch.int16),
    "rank 6": torch.arange(4, dtype=torch.float32).reshape(1, 2, 1, 1, 2, 1),
    "rank 7": torch.zeros(1, 1, 1, 1, 1, 1, 2),
    "scalar": torch.tensor(4.5),
    "empty": torch.zeros(0, 3),
    "größe \"a\\b\"": torch.tensor([9.0]),
}
save_file(arrays, pathlib.Path(__file__).with_suffix(".safetensors"),
          metadata={"epoch": "3", "note": "a \"quoted\"\nline é"})
