"""Spaces as the JSON of gymnasium-js, and how their values lie in rows of bytes."""

import math

import numpy as np
from gymnasium import spaces

from .dtypes import wire_dtype


class Unsupported(Exception):
    """A space that the other side has no place for."""


class Mismatch(Exception):
    """A value that is not of its space."""


def describe(space):
    """JSON of a space. Bounds that are all equal are one text instead of many."""
    if isinstance(space, spaces.Box):
        return {
            "type": "Box",
            "low": _bounds(space.low, space.bounded_below, "-Infinity"),
            "high": _bounds(space.high, space.bounded_above, "Infinity"),
            "shape": list(space.shape),
            "dtype": _dtype(space).name,
        }
    if isinstance(space, spaces.Discrete):
        # The dtype of its values, not of rows: those are int32 on both sides.
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start), "dtype": _dtype(space).name}
    if isinstance(space, spaces.MultiDiscrete):
        start = getattr(space, "start", np.zeros_like(space.nvec))
        texts = lambda values: [str(int(value)) for value in values.ravel()]
        shape = list(space.nvec.shape)
        return {"type": "MultiDiscrete", "nvec": texts(space.nvec), "start": texts(start), "shape": shape, "dtype": _dtype(space).name}
    if isinstance(space, spaces.MultiBinary):
        n = space.n
        return {"type": "MultiBinary", "n": int(n) if isinstance(n, (int, np.integer)) else [int(size) for size in n]}
    if isinstance(space, spaces.Text):
        return {"type": "Text", "minLength": space.min_length, "maxLength": space.max_length, "charset": "".join(space.character_list)}
    if isinstance(space, spaces.Dict):
        return {"type": "Dict", "spaces": [[str(key), describe(part)] for key, part in space.spaces.items()]}
    if isinstance(space, spaces.Tuple):
        return {"type": "Tuple", "spaces": [describe(part) for part in space.spaces]}
    if isinstance(space, spaces.Sequence):
        feature = describe(space.feature_space)
        if space.stack and not _has_numbers(space.feature_space):
            # Flat arrays of nothing do not say how many there are.
            raise Unsupported("a stacked Sequence of values without numbers: %s" % space)
        return {"type": "Sequence", "space": feature, "stack": bool(space.stack)}
    if isinstance(space, spaces.OneOf):
        return {"type": "OneOf", "spaces": [describe(part) for part in space.spaces]}
    if isinstance(space, spaces.Graph):
        edges = None if space.edge_space is None else describe(space.edge_space)
        return {"type": "Graph", "nodeSpace": describe(space.node_space), "edgeSpace": edges}
    raise Unsupported("a space of class %s: %s" % (type(space).__name__, space))


def _has_numbers(space):
    return any(0 not in leaf.shape for leaf in leaves(space))


def _dtype(space):
    if isinstance(space, spaces.MultiDiscrete) and int(np.max(space.nvec + getattr(space, "start", 0), initial=0)) <= 2**31:
        # Numbers there, where int64 would be bigints.
        return np.dtype(np.int32)
    dtype = wire_dtype(space.dtype)
    if dtype is None:
        raise Unsupported("a space of dtype %s: %s" % (space.dtype, space))
    return dtype


def _bounds(values, is_bounded, infinite):
    texts = [_text(value) if bounded else infinite for value, bounded in zip(values.ravel().tolist(), is_bounded.ravel())]
    return texts[0] if texts and texts.count(texts[0]) == len(texts) else texts


def _text(value):
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if isinstance(value, (bool, int)) else repr(value)


class Leaf:
    """A part of a space: where it is, and what its rows are, where its values are one array each. Loose ones have no fixed size and no rows; see loose.py."""

    def __init__(self, space, path):
        self.path, self.space = path, space
        self.is_loose = isinstance(space, (spaces.Text, spaces.Sequence, spaces.OneOf, spaces.Graph))
        self.is_number = isinstance(space, spaces.Discrete)
        # Of loose ones, the leaves of each of their own parts.
        self.inner = [leaves(part, (*path, "*")) for part in _inner_spaces(space)]
        if self.is_loose:
            self.shape, self.dtype = (), None
        elif self.is_number:
            is_small = max(-int(space.start), int(space.start) + int(space.n)) <= 2**31
            self.shape, self.dtype = (), np.dtype(np.int32 if is_small else np.int64)
        else:
            self.shape, self.dtype = space.shape, _dtype(space)

    def describe(self):
        return {"path": self.path, "dtype": None if self.is_loose else self.dtype.name, "shape": list(self.shape), "isNumber": self.is_number}

    def write(self, row, value, checks):
        """Puts a value into `row`, an array of this leaf's shape."""
        array = np.asarray(value)
        if array.shape != self.shape:
            raise Mismatch("expected shape %s of %s%s, got %s" % (self.shape, self.space, self.place, array.shape))
        is_whole = array.dtype.kind in "iub" and not isinstance(self.space, spaces.Box)
        if not is_whole and not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise Mismatch("expected dtype %s of %s%s, got %s" % (self.dtype, self.space, self.place, array.dtype))
        if checks and array.dtype.kind == "f" and np.isnan(array).any():
            raise Mismatch("expected numbers of %s%s, got NaN" % (self.space, self.place))
        if checks and is_whole and not self.space.contains(array.astype(self.space.dtype)[()]):
            raise Mismatch("expected a value of %s%s, got %s" % (self.space, self.place, array))
        row[...] = array

    @property
    def place(self):
        return " at %s" % "/".join(str(step) for step in self.path) if self.path else ""


def _inner_spaces(space):
    if isinstance(space, spaces.Sequence):
        return [space.feature_space]
    if isinstance(space, spaces.OneOf):
        return space.spaces
    if isinstance(space, spaces.Graph):
        return [part for part in (space.node_space, space.edge_space) if part is not None]
    return []


def leaves(space, path=()):
    """The leaves of a space in order: of a Dict by its keys, of a Tuple by place."""
    if isinstance(space, spaces.Dict):
        return [leaf for key, part in space.spaces.items() for leaf in leaves(part, (*path, str(key)))]
    if isinstance(space, spaces.Tuple):
        return [leaf for i, part in enumerate(space.spaces) for leaf in leaves(part, (*path, i))]
    describe(space)
    return [Leaf(space, list(path))]


def split(space, value, path=()):
    """The values of the leaves of `space`, in their order."""
    if isinstance(space, spaces.Dict):
        if not isinstance(value, dict) or set(value) != set(space.spaces):
            got = sorted(map(str, value)) if isinstance(value, dict) else kind_of(value)
            raise Mismatch("expected a dict with the keys %s, got %s" % (list(space.spaces), got))
        return [leaf for key, part in space.spaces.items() for leaf in split(part, value[key])]
    if isinstance(space, spaces.Tuple):
        if not isinstance(value, (tuple, list)) or len(value) != len(space.spaces):
            raise Mismatch("expected a tuple of %d values, got %s" % (len(space.spaces), kind_of(value)))
        return [leaf for part, item in zip(space.spaces, value) for leaf in split(part, item)]
    return [value]


def join(space, values):
    """A value of `space` out of an iterator over those of its leaves, each as its own space makes them."""
    if isinstance(space, spaces.Dict):
        return {key: join(part, values) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(join(part, values) for part in space.spaces)
    value = next(values)
    if isinstance(space, spaces.Discrete):
        return space.dtype.type(value)
    is_array = isinstance(space, (spaces.Box, spaces.MultiDiscrete, spaces.MultiBinary))
    return np.array(value, dtype=space.dtype) if is_array else value


def kind_of(value):
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else "%s of shape %s" % (type(value).__name__, tuple(shape))
