"""Values as JSON without loss: what JSON has is itself, everything else is a list that opens with a word for its kind.

`["l", ...]` a list or tuple, `["d", {...}]` a dictionary, `["a", dtype, base64]` an array in row-major order, `["f", "nan" | "inf" | "-inf"]`, `["i", "123"]` a
whole number beyond 2^53. Nothing is ever pickled or evaluated.
"""

import base64
import math

import numpy as np

from .dtypes import wire_dtype

LARGEST = 2**53 - 1


class Exotic(Exception):
    """A value of a class that has no place on the other side."""


def encode(value, dropped=None, path=""):
    """The JSON of `value`. Exotic values in dictionaries and lists are left out and noted in `dropped`; without it they raise Exotic."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        number = int(value)
        return number if abs(number) <= LARGEST else ["i", str(number)]
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if math.isfinite(number):
            return number
        return ["f", "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"]
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, dict):
        return ["d", dict(_encode_items(((str(key), item) for key, item in value.items()), dropped, path))]
    if isinstance(value, (list, tuple)):
        return ["l", *(item for _, item in _encode_items(enumerate(value), dropped, path))]
    raise Exotic(type(value).__name__)


def _encode_items(items, dropped, path):
    for key, item in items:
        place = "%s.%s" % (path, key) if path else str(key)
        try:
            yield key, encode(item, dropped, place)
        except Exotic as exotic:
            if dropped is None:
                raise
            dropped[place] = str(exotic)


def _encode_array(array):
    if array.ndim == 0:
        return encode(array.item())
    dtype = wire_dtype(array.dtype)
    if dtype is None:
        raise Exotic("ndarray of %s" % array.dtype)
    content = np.ascontiguousarray(array, dtype.newbyteorder("<"))
    return ["a", dtype.name, base64.b64encode(content.tobytes()).decode()]


def decode(value):
    """The value that `encode`, here or on the other side, made this JSON of."""
    if not isinstance(value, list):
        return value
    kind, rest = value[0], value[1:]
    if kind == "l":
        return [decode(item) for item in rest]
    if kind == "d":
        return {key: decode(item) for key, item in rest[0].items()}
    if kind == "a":
        return np.frombuffer(bytearray(base64.b64decode(rest[1])), np.dtype(rest[0]).newbyteorder("<"))
    if kind == "f":
        return float(rest[0])
    if kind == "i":
        return int(rest[0])
    raise ValueError("a value of the unknown kind %r" % (kind,))
