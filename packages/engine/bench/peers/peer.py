"""What the PyTorch peers share: arguments, arrays in a folder of .npy files, and the conversation on stdin and stdout.

A peer is started as `python PEER.py FOLDER [--threads 2] [--layout LAYOUT] [--optimizer fused|foreach|loop]` and answers lines on stdin:

    7           one JSON list: the milliseconds of 7 further training steps, each up to the loss as a Python number
    losses 5    one JSON list: the losses of the first 5 steps from the arrays in FOLDER (each before its update); the timed model is not touched
    (end)       the peer ends

It prints READY before it reads the first line, after three steps of warm-up. Anything else it says goes to stderr.
`--make SEED` writes starting arrays into FOLDER first; without it they have to be there.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import torch


def arguments(description):
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="folder with one .npy file for each array")
    parser.add_argument("--threads", type=int, default=2, help="threads inside an op (default 2)")
    parser.add_argument("--layout", choices=["channels_last", "contiguous"], default="channels_last", help="memory layout of images")
    parser.add_argument("--optimizer", choices=["fused", "foreach", "loop"], default="fused", help="which of PyTorch's Adam implementations")
    parser.add_argument("--make", type=int, metavar="SEED", help="write starting arrays into the folder first")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    return options


def load(folder, shapes):
    """The arrays named by `shapes` as tensors; a shape is a tuple, with None where any size will do."""
    arrays = {}
    for name, shape in shapes.items():
        path = folder / f"{name}.npy"
        if not path.exists():
            sys.exit(f"{path} is missing. Write it, or let --make SEED write all of them.")
        array = np.load(path)
        if len(array.shape) != len(shape) or any(b is not None and a != b for a, b in zip(array.shape, shape)):
            sys.exit(f"{path}: expected the shape {shape}, got {array.shape}.")
        arrays[name] = torch.from_numpy(array)
    return arrays


def make(folder, arrays):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def adam(parameters, options):
    """Adam as in the paper: 3e-4, betas 0.9 and 0.999, epsilon 1e-8 beside the bias-corrected root."""
    how = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}[options.optimizer]
    return torch.optim.Adam(parameters, lr=3e-4, betas=(0.9, 0.999), eps=1e-8, **how)


def serve(new_step):
    """Answers stdin; `new_step()` loads the arrays again and returns a function that makes one step and returns its loss."""
    step = new_step()
    for _ in range(3):
        step()
    print("READY", flush=True)
    for line in sys.stdin:
        words = line.split()
        if not words:
            continue
        if words[0] == "losses":
            fresh = new_step()
            answer = [fresh() for _ in range(int(words[1]))]
        else:
            answer = []
            for _ in range(int(words[0])):
                start = time.perf_counter()
                step()
                answer.append((time.perf_counter() - start) * 1000)
        print(json.dumps(answer), flush=True)
