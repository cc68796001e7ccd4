"""What the PyTorch peers share: arguments, arrays in a folder of .npy files, and the conversation on stdin and stdout.

A peer is started as `python PEER.py FOLDER [options]` and answers lines on stdin:

    7           one JSON list: the milliseconds of 7 further units of work, each up to its result as a Python number or NumPy array
    values      writes what the work gives at its start to FOLDER/values/NAME.npy and answers with the JSON list of the names
    (end)       the peer ends

It prints `READY` and a name for itself before it reads the first line, after a warm-up. Anything else it says goes to stderr.
"""

import argparse
import contextlib
import json
import pathlib
import sys
import time

import numpy as np
import torch


def parser(description):
    arguments = argparse.ArgumentParser(description=description.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path, help="folder with one .npy file for each array")
    arguments.add_argument("--threads", type=int, default=2, help="threads inside an op (default 2)")
    arguments.add_argument("--precision", choices=["float32", "bf16"], default="float32", help="bf16: autocast to bfloat16")
    arguments.add_argument("--compile", choices=["no", "yes"], default="no", help="torch.compile, which needs a C++ compiler")
    return arguments


def add_training_options(arguments):
    arguments.add_argument("--optimizer", choices=["fused", "foreach", "loop"], default="fused", help="which of PyTorch's Adam implementations")


def add_layout_option(arguments):
    arguments.add_argument("--layout", choices=["channels_last", "contiguous"], default="channels_last", help="memory layout of images")


def load(folder):
    """All arrays of the folder as tensors, by name."""
    paths = sorted(folder.glob("*.npy"))
    if not paths:
        sys.exit(f"{folder} has no .npy files. A bench writes them there before it starts a peer.")
    return {path.name[: -len(".npy")]: torch.from_numpy(np.load(path)) for path in paths}


def compiled(function, options):
    return torch.compile(function) if options.compile == "yes" else function


def autocast(options):
    return torch.autocast("cpu", torch.bfloat16) if options.precision == "bf16" else contextlib.nullcontext()


def describe(options, *words):
    """PyTorch's version and what makes it fast."""
    more = ["torch.compile"] if options.compile == "yes" else []
    more += ["bfloat16 autocast"] if options.precision == "bf16" else []
    return f"PyTorch {torch.__version__} ({', '.join([*words, *more])})"


def adam(parameters, options):
    """Adam as in the paper: 3e-4, betas 0.9 and 0.999, epsilon 1e-8 beside the bias-corrected root."""
    how = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}[options.optimizer]
    return torch.optim.Adam(parameters, lr=3e-4, betas=(0.9, 0.999), eps=1e-8, **how)


class Training:
    """Steps of Adam on `loss()`, which reads `parameters`; `restore` turns a parameter's gradient into the layout of its file."""

    def __init__(self, new_model, options, restore=lambda name, gradient: gradient):
        self.new_model, self.options, self.restore = new_model, options, restore
        self.step = self.new_step()

    def new_step(self):
        parameters, loss_of = self.new_model()
        loss_of = compiled(loss_of, self.options)
        optimizer = adam(parameters.values(), self.options)

        def step():
            with autocast(self.options):
                loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def values(self):
        parameters, loss_of = self.new_model()
        with autocast(self.options):
            loss = loss_of()
        loss.backward()
        values = {f"gradient.{name}": self.restore(name, p.grad).contiguous().numpy() for name, p in parameters.items()}
        step = self.new_step()
        return values | {"losses": np.array([step() for _ in range(5)], np.float32)}


class Inference:
    """`outputs()` gives tensors by name."""

    def __init__(self, outputs, options):
        outputs = compiled(outputs, options)

        def step():
            with torch.inference_mode(), autocast(options):
                return {name: tensor.numpy() for name, tensor in outputs().items()}

        self.step = self.values = step


def serve(name, options, work):
    """Answers stdin."""
    for _ in range(3):
        work.step()
    print(f"READY {name}", flush=True)
    for line in sys.stdin:
        words = line.split()
        if not words:
            continue
        if words[0] == "values":
            answer = write(options.folder, work.values())
        else:
            answer = []
            for _ in range(int(words[0])):
                start = time.perf_counter()
                work.step()
                answer.append((time.perf_counter() - start) * 1000)
        print(json.dumps(answer), flush=True)


def write(folder, values):
    (folder / "values").mkdir(exist_ok=True)
    for name, array in values.items():
        np.save(folder / "values" / f"{name}.npy", np.ascontiguousarray(array))
    return list(values)
