# SPDX-License-Identifier: MIT
"""What the reference scripts share: a recorder of named arrays, and deterministic inputs.

Each NAME.py next to this file writes NAME.safetensors with numbers that PyTorch computed (in double
unless it says otherwise). The files are committed; the tests need neither Python nor PyTorch.
    python3 tests/reference/softmax.py
"""
import inspect
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)

# By the names of eg::activation_name.
ACTIVATIONS = {
    "none": lambda x: x,
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
}


def uniform(*shape, seed=1, low=-1.0, high=1.0):
    """Reproducible values in [low, high) that require a gradient."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=generator) * (high - low) + low
    return x.requires_grad_()


class Recorder:
    """Collects arrays and writes them next to the script that made them."""

    def __init__(self):
        self.arrays = {}

    def add(self, **arrays):
        for name, array in arrays.items():
            assert name not in self.arrays, name
            self.arrays[name] = array.detach().clone().contiguous()

    def case(self, name, function, *inputs):
        """Records NAME.in0.., NAME.out, NAME.dout and NAME.din0.. of `function(*inputs)`."""
        inputs = [x.detach().clone().requires_grad_(x.requires_grad) for x in inputs]
        out = function(*inputs)
        dout = torch.rand(out.shape, generator=torch.Generator().manual_seed(99)) + 0.5
        out.backward(dout)
        self.add(**{f"{name}.out": out, f"{name}.dout": dout})
        for i, x in enumerate(inputs):
            self.add(**{f"{name}.in{i}": x})
            if x.grad is not None:
                self.add(**{f"{name}.din{i}": x.grad})

    def write(self):
        script = pathlib.Path(inspect.stack()[1].filename)
        save_file(self.arrays, script.with_suffix(".safetensors"))
