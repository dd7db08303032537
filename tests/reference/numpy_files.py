#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files by NumPy: every type, order and format that is read. What they hold is in the tests."""
import io
import pathlib
import zipfile

import numpy as np
from numpy.lib import format as npy

here = pathlib.Path(__file__).parent
np.save(here / "numpy_matrix.npy", np.array([[1, 2.5, -3], [0, 1e-3, 7]], np.float32))
np.savez_compressed(here / "numpy_compressed.npz", x=np.arange(3.0))

half = np.array([0.0, -1.5, 65504, 2.0**-24, np.inf, np.nan])
cube = np.arange(24.0).reshape(2, 3, 4)
arrays = {
    "f8": np.array([1 / 3, -1e300]),
    "f4": np.array([1 / 3, -1e30], np.float32),
    "f2": half.astype(np.float16),
    "big f8": np.array([1 / 3, -1e300], ">f8"),
    "big f4": np.array([1 / 3, -1e30], ">f4"),
    "big f2": half.astype(">f2"),
    "i1": np.array([-128, 127], np.int8),
    "i2": np.array([-32768, 32767], np.int16),
    "i4": np.array([-(2**31), 2**31 - 1], np.int32),
    "i8": np.array([-(2**63), 2**63 - 1], np.int64),
    "big i4": np.array([-(2**31), 2**31 - 1], ">i4"),
    "u1": np.array([0, 255], np.uint8),
    "u2": np.array([0, 65535], np.uint16),
    "u4": np.array([0, 2**32 - 1], np.uint32),
    "u8": np.array([0, 2**63 - 1], np.uint64),
    "u8 above": np.array([2**63], np.uint64),
    "b1": np.array([[True, False], [False, True]]),
    "scalar": np.array(4.5),
    "empty": np.zeros((0, 3), np.float32),
    "fortran": np.asfortranarray(cube),
    "fortran big i2": np.asfortranarray(cube.astype(">i2")),
    "long fortran": np.asfortranarray((np.arange(9000) % 1000).astype(np.float16).reshape(90, 100)),
    "rank 7": np.zeros((1,) * 7),
    "c8": np.array([1j], np.complex64),
    "objects": np.array([None], object),
    "records": np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]),
    "text": np.array(["abc"]),
}
np.savez(here / "numpy_types.npz", **arrays)
with zipfile.ZipFile(here / "numpy_types.npz", "a") as archive:
    for version in [(2, 0), (3, 0)]:
        data = io.BytesIO()
        npy.write_array(data, np.array([[1.0, 2.0]]), version=version)
        archive.writestr(f"format {version[0]}.npy", data.getvalue())
    archive.writestr("größe.npy", data.getvalue())
    archive.writestr("readme.txt", "no array")
    archive.comment = b"a comment"
