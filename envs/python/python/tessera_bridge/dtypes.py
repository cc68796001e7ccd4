"""The element types that both sides have."""

import numpy as np

WIRE = {"float64", "float32", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"}


def wire_dtype(dtype):
    """The dtype that holds all values of `dtype` on the other side; None where there is none."""
    dtype = np.dtype(dtype)
    if dtype.name == "float16":
        return np.dtype(np.float32)
    # By its name: bytes go in one order, whatever that of the space is.
    return np.dtype(dtype.name) if dtype.name in WIRE else None
