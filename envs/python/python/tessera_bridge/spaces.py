"""Spaces as the JSON of gymnasium-js, and how their values lie in rows of bytes."""

import math

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import create_empty_array, iterate

from .dtypes import wire_dtype

KNOWN = (
    spaces.Box,
    spaces.Dict,
    spaces.Discrete,
    spaces.Graph,
    spaces.MultiBinary,
    spaces.MultiDiscrete,
    spaces.OneOf,
    spaces.Sequence,
    spaces.Text,
    spaces.Tuple,
)
WAY_OUT = "Wrap the environment in Python (TransformObservation, TransformAction) so that its space is one of Gymnasium's"


class Unsupported(Exception):
    """A space that the other side has no place for. Of a part of a space the message begins with where it is, as `place` has it."""


class Mismatch(Exception):
    """A value that is not of its space."""


def place(path):
    return " at %s" % "/".join(str(step) for step in path) if path else ""


def describe(space, path=()):
    """JSON of a space; of a class derived from one of Gymnasium's, that of the latter. Bounds that are all equal are one text instead of many."""
    if not isinstance(space, KNOWN):
        kind = "%s.%s" % (type(space).__module__, type(space).__qualname__)
        raise Unsupported("%s: %s is of the class %s, which is none of Gymnasium's. %s" % (place(path), space, kind, WAY_OUT))
    inner = [describe(part, step) for step, part in parts(space, path)]
    if isinstance(space, spaces.Box):
        return {
            "type": "Box",
            "low": _bounds(space.low, space.bounded_below, "-Infinity"),
            "high": _bounds(space.high, space.bounded_above, "Infinity"),
            "shape": list(space.shape),
            "dtype": _dtype(space, path).name,
        }
    if isinstance(space, spaces.Discrete):
        # The dtype of its values, not of rows: those are int32 on both sides.
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start), "dtype": _dtype(space, path).name}
    if isinstance(space, spaces.MultiDiscrete):
        start = getattr(space, "start", np.zeros_like(space.nvec))
        texts = lambda values: [str(int(value)) for value in values.ravel()]
        shape = list(space.nvec.shape)
        return {"type": "MultiDiscrete", "nvec": texts(space.nvec), "start": texts(start), "shape": shape, "dtype": _dtype(space, path).name}
    if isinstance(space, spaces.MultiBinary):
        n = space.n
        return {"type": "MultiBinary", "n": int(n) if isinstance(n, (int, np.integer)) else [int(size) for size in n]}
    if isinstance(space, spaces.Text):
        return {"type": "Text", "minLength": space.min_length, "maxLength": space.max_length, "charset": "".join(space.character_list)}
    if isinstance(space, spaces.Dict):
        return {"type": "Dict", "spaces": [[str(key), part] for key, part in zip(space.spaces, inner)]}
    if isinstance(space, (spaces.Tuple, spaces.OneOf)):
        return {"type": "Tuple" if isinstance(space, spaces.Tuple) else "OneOf", "spaces": inner}
    if isinstance(space, spaces.Sequence):
        if space.stack:
            _check_stack(space, path)
        return {"type": "Sequence", "space": inner[0], "stack": bool(space.stack)}
    return {"type": "Graph", "nodeSpace": inner[0], "edgeSpace": inner[1] if len(inner) > 1 else None}


def parts(space, path=()):
    """The spaces right inside a space, each after its path."""
    if isinstance(space, spaces.Dict):
        return [((*path, str(key)), part) for key, part in space.spaces.items()]
    if isinstance(space, (spaces.Tuple, spaces.OneOf)):
        return [((*path, i), part) for i, part in enumerate(space.spaces)]
    if isinstance(space, spaces.Sequence):
        return [((*path, "*"), space.feature_space)]
    if isinstance(space, spaces.Graph):
        both = ("nodes", space.node_space), ("edges", space.edge_space)
        return [((*path, name), part) for name, part in both if part is not None]
    return []


def derived(space, path=()):
    """The spaces in `space`, itself among them, whose class is not Gymnasium's own, each after its path."""
    own = [] if type(space) in KNOWN else [(path, space)]
    return own + [found for step, part in parts(space, path) for found in derived(part, step)]


def _check_stack(space, path):
    try:
        list(iterate(space.stacked_feature_space, create_empty_array(space.feature_space, 1)))
    except Exception as error:
        what = "Gymnasium itself cannot tell whether a value is in %s (%s: %s)" % (space, type(error).__name__, error)
        raise Unsupported("%s: %s. Leave parts without values out of it" % (place(path), what)) from None


def _dtype(space, path=()):
    if isinstance(space, spaces.MultiDiscrete):
        start = getattr(space, "start", np.zeros_like(space.nvec))
        if all(_is_small(first, n) and n < 2**31 for first, n in zip(start.ravel(), space.nvec.ravel())):
            # Numbers there, where 64 bits would be bigints.
            return np.dtype(np.int32)
    dtype = wire_dtype(space.dtype)
    if dtype is None:
        raise Unsupported("%s: %s is of the dtype %s, of which JavaScript has no arrays. %s" % (place(path), space, space.dtype, WAY_OUT))
    return dtype


def _is_small(start, n):
    """Whether all of `n` whole numbers from `start` on are within 32 bits."""
    return max(-int(start), int(start) + int(n)) <= 2**31


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
        self.inner = [leaves(part, (*path, "*")) for _, part in parts(space)]
        if self.is_loose:
            self.shape, self.dtype = (), None
        elif self.is_number:
            wide = np.uint64 if space.dtype == np.uint64 else np.int64
            self.shape, self.dtype = (), np.dtype(np.int32 if _is_small(space.start, space.n) else wide)
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
        return place(self.path)


def leaves(space, path=()):
    """The leaves of a space in order: of a Dict by its keys, of a Tuple by place."""
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return [leaf for step, part in parts(space, path) for leaf in leaves(part, step)]
    describe(space, path)
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
