"""cv2.resize(..., interpolation=cv2.INTER_AREA) for bytes that shrink, byte for byte, where cv2 is not installed. The same as resizeArea of gymnasium-js."""

import functools

import numpy as np


def resizer():
    """The function (image [height, width(, channels)], (width, height)) -> image: cv2's own where it is there."""
    try:
        import cv2
    except ImportError:
        return resize_area
    cv2.setNumThreads(1)
    return lambda image, size: cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def resize_area(image, size):
    """`image` (uint8) in `size = (width, height)`, neither larger than it is now."""
    height, width = image.shape[:2]
    new_width, new_height = size
    if (width, height) == (new_width, new_height):
        return image.copy()
    # cv2 divides twice where once would do, and the last bit decides which way it takes.
    scale_x, scale_y = 1 / (new_width / width), 1 / (new_height / height)
    if scale_x < 1 or scale_y < 1:
        raise ValueError("pictures are only made smaller without cv2: install opencv-python")
    pixels = image.reshape(height, width, -1)
    step_x, step_y = round(scale_x), round(scale_y)
    epsilon = np.finfo(np.float64).eps
    if abs(scale_x - step_x) < epsilon and abs(scale_y - step_y) < epsilon:
        result = _whole(pixels, new_height, step_y, new_width, step_x)
    else:
        lines = _weighted_sum(pixels.astype(np.float32), *_coverage(width, new_width, scale_x), 1)
        sums = _weighted_sum(lines, *_coverage(height, new_height, scale_y), 0)
        result = np.minimum(np.rint(sums), 255).astype(np.uint8)
    return result.reshape(new_height, new_width, *image.shape[2:])


def _whole(pixels, height, step_y, width, step_x):
    channels = pixels.shape[2]
    sums = pixels.reshape(height, step_y, width, step_x, channels).sum(axis=(1, 3), dtype=np.int64)
    if step_x == 2 and step_y == 2 and channels in (1, 3, 4):
        return ((sums + 2) >> 2).astype(np.uint8)
    share = np.float32(1 / (step_x * step_y))
    return np.rint(sums.astype(np.float32) * share).astype(np.uint8)


def _weighted_sum(values, index, share, axis):
    """Sums in float32, in the order of cv2. Shares beyond the pixels that are covered are 0 and change nothing."""
    shape = [1, 1, 1]
    shape[axis] = -1
    total = None
    for k in range(index.shape[0]):
        term = values.take(index[k], axis) * share[k].reshape(shape)
        total = term if total is None else np.add(total, term, out=total)
    return total


@functools.lru_cache(maxsize=64)
def _coverage(size, new_size, scale):
    rows = []
    for i in range(new_size):
        begin = i * scale
        end = begin + scale
        width = min(scale, size - begin)
        last = min(int(np.floor(end)), size - 1)
        first = min(int(np.ceil(begin)), last)
        row = [(first - 1, (first - begin) / width)] if first - begin > 1e-3 else []
        row += [(pixel, 1 / width) for pixel in range(first, last)]
        if end - last > 1e-3:
            row.append((last, min(min(end - last, 1), width) / width))
        rows.append(row)
    longest = max(len(row) for row in rows)
    index = np.zeros((longest, new_size), np.intp)
    share = np.zeros((longest, new_size), np.float32)
    for i, row in enumerate(rows):
        for k, (pixel, weight) in enumerate(row):
            index[k, i], share[k, i] = pixel, weight
    return index, share
