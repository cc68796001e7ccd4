"""Values without a fixed size (texts, sequences, graphs, one of several) as JSON, checked against their spaces. The other half is src/loose.ts.

A text is itself; a sequence, stacked or not, the list of its items; one of several its index and then its parts; a graph its nodes, edges and links. An item is
the list of its parts: whole numbers, arrays as in values.py, or again one of these. Only what bytes cannot be made of goes through text.
"""

import math

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import concatenate, create_empty_array, iterate

from .spaces import Mismatch, join, kind_of, split
from .values import decode, encode


def encode_loose(leaf, value, checks):
    """JSON of a value of a loose leaf. Raises Mismatch."""
    space = leaf.space
    if isinstance(space, spaces.Text):
        _expect(leaf, isinstance(value, str), value)
        return value
    if isinstance(space, spaces.Sequence):
        return [_encode_parts(space.feature_space, leaf.inner[0], item, checks) for item in _items(leaf, value)]
    if isinstance(space, spaces.OneOf):
        _expect(leaf, isinstance(value, (tuple, list)) and len(value) == 2, value)
        index, item = value
        _expect(leaf, isinstance(index, (int, np.integer)) and 0 <= index < len(space.spaces), value)
        return [int(index), *_encode_parts(space.spaces[index], leaf.inner[index], item, checks)]
    return _encode_graph(leaf, value, checks)


def _expect(leaf, is_fit, value):
    if not is_fit:
        raise Mismatch("expected a value of %s%s, got %s" % (leaf.space, leaf.place, kind_of(value)))


def _items(leaf, value):
    if not leaf.space.stack:
        _expect(leaf, isinstance(value, (tuple, list)), value)
        return value
    try:
        return list(iterate(leaf.space.stacked_feature_space, value))
    except (TypeError, ValueError, KeyError, IndexError):
        _expect(leaf, False, value)


def _encode_parts(space, inner, value, checks):
    return [_encode_part(leaf, part, checks) for leaf, part in zip(inner, split(space, value))]


def _encode_part(leaf, value, checks):
    if leaf.is_loose:
        return encode_loose(leaf, value, checks)
    row = np.zeros(leaf.shape, leaf.dtype)
    leaf.write(row, value, checks)
    return encode(row.item() if leaf.is_number else row.reshape(-1))


def _encode_graph(leaf, value, checks):
    _expect(leaf, isinstance(value, spaces.GraphInstance), value)
    nodes, edges, links = value
    count, sent = _encode_rows(leaf.inner[0][0], nodes, checks)
    if edges is None and links is None:
        return [sent, None, None]
    _expect(leaf, edges is not None and links is not None and len(leaf.inner) == 2, value)
    edge_count, sent_edges = _encode_rows(leaf.inner[1][0], edges, checks)
    links = np.asarray(links)
    if links.shape != (edge_count, 2) or links.dtype.kind not in "iu" or ((links < 0) | (links >= count)).any():
        raise Mismatch("expected links of %d edges between %d nodes of %s%s, got %s" % (edge_count, count, leaf.space, leaf.place, links))
    return [sent, sent_edges, encode(links.astype(np.int32).reshape(-1))]


def _encode_rows(leaf, values, checks):
    array = np.asarray(values)
    _expect(leaf, array.ndim > 0, values)
    rows = np.zeros((len(array), *leaf.shape), _feature_dtype(leaf))
    for i, value in enumerate(array):
        leaf.write(rows[i, ...], value, checks)
    return len(rows), encode(rows.reshape(-1))


def _feature_dtype(leaf):
    # In graphs on the other side, as in batches there, small whole numbers keep their dtype.
    return leaf.dtype if not leaf.is_number or leaf.space.dtype.itemsize == 8 else np.dtype(leaf.space.dtype)


def decode_loose(leaf, sent):
    """The value, as the space itself would sample it. Raises Mismatch for JSON that is none."""
    space = leaf.space
    if isinstance(space, spaces.Text):
        return str(sent)
    if isinstance(space, spaces.Sequence):
        items = tuple(_decode_parts(space.feature_space, leaf.inner[0], item) for item in sent)
        if not space.stack:
            return items
        out = create_empty_array(space.feature_space, len(items))
        return concatenate(space.feature_space, items, out) if items else out
    if isinstance(space, spaces.OneOf):
        index = sent[0]
        return np.int64(index), _decode_parts(space.spaces[index], leaf.inner[index], sent[1:])
    nodes, edges, links = sent
    (node,), *edge = leaf.inner
    if edges is None:
        return spaces.GraphInstance(_decode_rows(node, nodes), None, None)
    return spaces.GraphInstance(_decode_rows(node, nodes), _decode_rows(edge[0][0], edges), np.array(decode(links), np.int32).reshape(-1, 2))


def _decode_rows(leaf, sent):
    return np.array(_array(leaf, _feature_dtype(leaf), sent, None), leaf.space.dtype).reshape(-1, *leaf.shape)


def _decode_parts(space, inner, sent):
    return join(space, iter([_decode_part(leaf, part) for leaf, part in zip(inner, sent)]))


def _decode_part(leaf, sent):
    if leaf.is_loose:
        return decode_loose(leaf, sent)
    return decode(sent) if leaf.is_number else _array(leaf, leaf.dtype, sent, 1).reshape(leaf.shape)


def _array(leaf, dtype, sent, count):
    """The numbers of `count` values of a leaf, of any number of them for None. Their size is known before there is room for them."""
    kind, name, text = sent
    size = math.prod(leaf.shape) * dtype.itemsize
    got = len(text) // 4 * 3 - text[-2:].count("=")
    if kind != "a" or name != dtype.name or (got % size if count is None else got != size * count):
        raise Mismatch("expected values of %s%s, got %d bytes of %s" % (leaf.space, leaf.place, got, name))
    return decode(sent)
