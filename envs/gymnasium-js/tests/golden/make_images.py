"""Golden data of pictures: python make_images.py writes images.json beside it. Needs opencv-python and numpy 2.

The pictures are bytes of NumPy's generator, which the tests draw again; results are kept as SHA-256 of all their bytes."""

import hashlib
import json
import pathlib

import cv2
import numpy as np

cv2.setNumThreads(1)
here = pathlib.Path(__file__).parent
SIZES = [
    (210, 160, 64, 64), (210, 160, 84, 84), (400, 600, 64, 64), (400, 600, 84, 84), (256, 256, 64, 64), (256, 256, 84, 84),
    (40, 40, 20, 20), (40, 40, 64, 64), (20, 20, 64, 64), (64, 64, 32, 32), (64, 64, 16, 64), (64, 64, 64, 16), (96, 96, 64, 64),
    (192, 192, 64, 64), (7, 5, 3, 2), (3, 2, 7, 5), (1, 1, 4, 4), (9, 1, 3, 1), (30, 20, 40, 10), (30, 20, 10, 40), (49, 49, 7, 7),
]
draws = np.random.default_rng(5)
SIZES += [tuple(int(size) for size in draws.integers(1, 70, 4)) for _ in range(120)]

cases = []
for seed, (height, width, new_height, new_width) in enumerate(SIZES):
    for channels in [1, 2, 3, 4] if seed < 21 else [1 + seed % 4]:
        image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
        if seed % 5 == 4:
            image = (image >> 7) * np.uint8(255)
        result = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_AREA)
        cases.append([seed, height, width, channels, new_height, new_width, hashlib.sha256(result.tobytes()).hexdigest()])

(here / "images.json").write_text(json.dumps({"opencv": cv2.__version__, "cases": cases}, separators=(",", ":")) + "\n")
