"""Remakes the golden data of @tessera/core: `python make.py [part ...]` in this folder; without arguments, all parts.

Needs numpy, safetensors for the part of that name and Pillow for `pictures`. Each part is one function below and one group of files beside it.
A long stream is kept as its first values and the SHA-256 of all its bytes (little-endian float64 or int64).
"""

import hashlib
import json
import pathlib
import struct
import sys
import zlib

import numpy as np

here = pathlib.Path(__file__).parent


def write_json(name, value):
    (here / name).write_text(json.dumps(value, indent=1) + "\n")


SEEDS = [
    0,
    1,
    42,
    123,
    2**31 - 1,
    2**32,
    2**40 + 7,
    2**64 + 12345,
    98765432109876543210987654321098765432109876543210,
]


def floats(values, first=6):
    values = np.asarray(values, dtype="<f8")
    return {
        "count": int(values.size),
        "first": [x.tobytes().hex() for x in values[:first]],
        "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
    }


def integers(values, first=12):
    values = np.asarray(values, dtype="<i8")
    return {
        "count": int(values.size),
        "first": [str(x) for x in values[:first]],
        "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
    }


def state(generator):
    s = generator.bit_generator.state
    return {
        "bitGenerator": s["bit_generator"],
        "state": f"{s['state']['state']:032x}",
        "inc": f"{s['state']['inc']:032x}",
        "hasUint32": bool(s["has_uint32"]),
        "uinteger": int(s["uinteger"]),
    }


def random_of_seed(seed):
    """Every method on a fresh generator; the calls that tests/random-golden.test.ts makes, in its order."""
    out = {}

    def fresh():
        return np.random.default_rng(seed)

    out["random"] = floats(fresh().random(2000))
    out["uniform"] = floats(fresh().uniform(-0.05, 0.05, 2000))
    out["normal"] = floats(fresh().normal(3.0, 2.0, 1000))
    out["standardNormal"] = floats(fresh().standard_normal(200_000))
    out["standardExponential"] = floats(fresh().standard_exponential(200_000))
    out["exponential"] = floats(fresh().exponential(0.3, 1000))
    out["geometricInversion"] = integers(fresh().geometric(0.25, 2000))
    out["geometricSearch"] = integers(fresh().geometric(0.6, 2000))
    out["gumbel"] = [x.tobytes().hex() for x in fresh().gumbel(1.0, 2.0, 20).astype("<f8")]

    g = fresh()
    out["integers2"] = integers([g.integers(2) for _ in range(2001)])
    out["randomAfterHalf"] = floats(g.random(5))
    out["integers7AfterHalf"] = integers([g.integers(7) for _ in range(5)])
    out["stateAfterHalf"] = state(g)
    out["integersRejecting"] = integers([fresh().integers(0, 3 * 2**30)] + list(fresh().integers(0, 3 * 2**30, 500)))
    out["integersWide"] = integers(fresh().integers(0, 2**50 + 3, 500))
    out["integersWidest"] = integers(fresh().integers(-(2**53) + 1, 2**53 - 1, 100))
    out["integersWideRejecting"] = integers(fresh().integers(-3 * 2**51, 3 * 2**51, 20_000))
    out["integers32"] = integers(fresh().integers(-5, 2**32 - 5, 100))
    out["integersRange32"] = integers(fresh().integers(0, 2**32 + 1, 100))

    g = fresh()
    draws = {
        "int8": (0, 2, 37),
        "uint8": (0, 200, 50),
        "bool": (0, 2, 45),
        "int16": (-5, 300, 51),
        "uint16": (0, 2**16, 3),
        "int32": (-(2**31), 2**31, 20),
        "uint32": (1, 2**32 - 1, 20),
        "int64": (-(2**40), 2**50, 20),
    }
    for dtype, (low, high, size) in draws.items():
        values = g.integers(low, high, size, dtype=dtype)
        out[f"array_{dtype}"] = integers(values.astype("<i8"))
    out["array_constant"] = integers(g.integers(7, 8, 5, dtype="int8").astype("<i8"))
    out["array_byte"] = integers(g.integers(-128, 128, 9, dtype="int8").astype("<i8"))
    out["array_after"] = floats(g.random(3))
    out["array_int64_all"] = integers(fresh().integers(-(2**63), 2**63 - 1, 50, endpoint=True))
    out["array_int64_wide"] = integers(fresh().integers(-(2**62), 2**63 - 5, 50))
    out["array_uint64_all"] = integers(fresh().integers(0, 2**64 - 1, 50, dtype="uint64", endpoint=True))
    out["array_uint64_wide"] = integers(fresh().integers(5, 2**63 + 9, 50, dtype="uint64"))
    out["array_uint64_32bits"] = integers(fresh().integers(2**63, 2**63 + 2**32, 50, dtype="uint64"))
    out["array_int64_32bits"] = integers(fresh().integers(2**60, 2**60 + 2**32, 50))

    g = fresh()
    out["choice"] = integers([g.choice(13) for _ in range(500)])
    out["choiceP"] = integers([g.choice(3, p=[0.2, 0.3, 0.5]) for _ in range(500)])
    out["choiceZeros"] = integers([g.choice(4, p=[0, 0.5, 0, 0.5]) for _ in range(100)])
    out["permutation"] = integers(g.permutation(50), first=50)
    shuffled = np.arange(1000)
    g.shuffle(shuffled)
    out["shuffle"] = integers(shuffled)
    out["stateAtEnd"] = state(g)

    g = fresh()
    weights = np.array([0, 1, 2, 3, 0, 4, 5, 6, 7, 8]) / 36
    out["choiceArray"] = integers(g.choice(13, 50))
    out["choiceArrayP"] = integers(g.choice(10, 500, p=weights))
    out["choiceDistinct"] = integers(np.concatenate([g.choice(30, n, replace=False) for n in (1, 7, 29, 30)]))
    out["choiceDistinctInOrder"] = integers(g.choice(1000, 80, replace=False, shuffle=False))
    out["choiceDistinctFew"] = integers(g.choice(2**40, 20, replace=False))
    out["choiceDistinctTail"] = integers(g.choice(12_000, 300, replace=False))
    out["choiceDistinctTailInOrder"] = integers(g.choice(12_000, 700, replace=False, shuffle=False))
    out["choiceDistinctAll"] = integers(g.choice(10_001, 10_001, replace=False))
    out["choiceDistinctP"] = integers(np.concatenate([g.choice(10, n, replace=False, p=weights) for n in (1, 3, 8)]))
    out["permutationOf"] = integers(g.permutation(np.arange(40) ** 2), first=40)
    g.integers(2)
    children = g.spawn(2) + g.spawn(1)
    children.append(children[1].spawn(2)[1])
    out["spawned"] = floats(np.concatenate([child.random(3) for child in children]))
    out["afterSpawn"] = integers([g.integers(7) for _ in range(5)])
    return out


def random():
    write_json("random.json", {str(seed): random_of_seed(seed) for seed in SEEDS})


def name_key(name):
    data = name.encode("utf-8")
    words = np.frombuffer(data + bytes(-len(data) % 4), dtype="<u4")
    return [len(data), *(int(word) for word in words)]


def seed_sequence():
    cases = []
    for seed in SEEDS:
        for key in [[], [0], [1, 2], [2**32 + 5, 2**70]]:
            words = np.random.SeedSequence(seed, spawn_key=key).generate_state(11)
            cases.append({"seed": str(seed), "spawnKey": [str(k) for k in key], "words": words.tolist()})
    parent = np.random.SeedSequence(42)
    children = parent.spawn(2) + parent.spawn(1)
    grandchildren = children[2].spawn(2)
    spawned = [child.generate_state(4).tolist() for child in children + grandchildren]
    named = {}
    for name in ["env", "é", "replay/0", "__proto__", "tokenizer init", "猫🐈"]:
        sequence = np.random.SeedSequence(7, spawn_key=name_key(name))
        named[name] = [x.tobytes().hex() for x in np.random.default_rng(sequence).random(3).astype("<f8")]
    write_json("seed-sequence.json", {"states": cases, "spawned": spawned, "named": named})


def arrays():
    """One small array of each dtype and some odd shapes; ../formats-golden.ts holds the same."""
    return {
        "float64": np.array([[0.5, -1.25], [np.inf, 5e-324]], dtype="<f8"),
        "float32": np.arange(6, dtype="<f4").reshape(1, 2, 3) - 2.5,
        "int32": np.array([-(2**31), 2**31 - 1], dtype="<i4"),
        "int64": np.array([-(2**63), 2**63 - 1], dtype="<i8"),
        "uint8": np.array([0, 255, 7], dtype="u1"),
        "bool": np.array([[True], [False]], dtype="?"),
        "int8": np.array([-128, 127], dtype="i1"),
        "int16": np.array([-(2**15), 2**15 - 1, 3], dtype="<i2"),
        "uint16": np.array([2**16 - 1], dtype="<u2"),
        "uint32": np.array([2**32 - 1], dtype="<u4"),
        "uint64": np.array([0, 2**64 - 1], dtype="<u8"),
        "scalar": np.array(42, dtype="<i4"),
        "empty": np.zeros((3, 0, 2), dtype="<f4"),
        # A header that only NumPy's spare room makes longer than 128 bytes.
        "many_axes": np.array(5, dtype="u1").reshape((1,) * 17),
    }


def npy():
    for name, array in arrays().items():
        np.save(here / f"{name}.npy", array)
    with open(here / "version2.npy", "wb") as file:
        np.lib.format.write_array(file, arrays()["float32"], version=(2, 0))


def safetensors():
    from safetensors.numpy import save_file

    odd_names = {"é\"\\\n\x01": arrays()["uint8"], "__proto__": arrays()["int8"], "../../up": arrays()["uint16"], "": arrays()["int32"]}
    astral = {"\ue000": arrays()["int8"], "\U0001f408": arrays()["int8"]}
    # Of metadata just one entry: the package writes several in no fixed order.
    save_file(arrays() | odd_names | astral, here / "all.safetensors", metadata={"formatVersion": "1"})
    save_file({}, here / "empty.safetensors")


def odd_png(data, interlaced):
    """An RGB picture whose rows take turns with all filters, which Pillow reads and does not write: any bytes are the filtered data of some picture."""
    height, width, _ = data.shape
    part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    rows = [row for x, y, dx, dy in passes for row in data[y::dy, x::dx] if len(row) > 0]
    packed = zlib.compress(b"".join(bytes([i % 5]) + row.tobytes() for i, row in enumerate(rows)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", packed[:50]) + part(b"IDAT", packed[50:]) + part(b"IEND", b"")


def pictures():
    from PIL import Image

    pixels = {}
    for name, mode, channels in [("grey", "L", 1), ("rgb", "RGB", 3), ("rgba", "RGBA", 4)]:
        values = np.random.default_rng(channels).integers(0, 256, (2, 3, channels), dtype="uint8")
        Image.frombytes(mode, (3, 2), values.tobytes()).save(here / f"{name}.png")
        pixels[name] = values.ravel().tolist()
    # The other kinds that are read, 9 x 13 pixels, as Pillow reads them back.
    noise = np.random.default_rng(5).integers(0, 256, (9, 13, 4), dtype="uint8")
    palette = np.random.default_rng(6).integers(0, 256, 48, dtype="uint8").tolist()
    few = Image.fromarray(noise[:, :, 0] % 13, "P")
    few.putpalette(palette)
    kinds = {
        "grey1": (Image.fromarray(noise[:, :, 0]).convert("1"), {}),
        "grey_alpha": (Image.fromarray(noise[:, :, :2], "LA"), {}),
        "palette4": (few, {"bits": 4}),
        "palette8": (few, {"bits": 8}),
        "palette_alpha": (few, {"bits": 4, "transparency": bytes([0, 128])}),
    }
    for name, (image, options) in kinds.items():
        image.save(here / f"{name}.png", **options)
        mode = {"grey1": "L", "grey_alpha": "RGBA", "palette_alpha": "RGBA"}.get(name, "RGB")
        pixels[name] = np.asarray(Image.open(here / f"{name}.png").convert(mode)).ravel().tolist()
    # Small steps, so that the filter that chooses the nearest neighbour has ties.
    steps = np.random.default_rng(7).integers(-2, 3, (24, 19, 3)).astype("uint8")
    for name in ["interlaced", "filters"]:
        (here / f"{name}.png").write_bytes(odd_png(steps, name == "interlaced"))
        pixels[name] = np.asarray(Image.open(here / f"{name}.png").convert("RGB")).ravel().tolist()
    write_json("pictures.json", pixels)


PARTS = {"random": random, "seed_sequence": seed_sequence, "npy": npy, "safetensors": safetensors, "pictures": pictures}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
