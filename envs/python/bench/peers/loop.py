"""A loop over games in Python, with gymnasium's own AtariPreprocessing: the peer of env-bridge.

It answers lines on stdin as packages/engine/bench/peers/README.md says. A unit of work is a step of all games into one array; a game that has ended is reset
in the step after, as vector environments do.
"""

import argparse
import json
import pathlib
import sys
import time

import ale_py
import cv2
import gymnasium as gym
import numpy as np

SEED = 0


class Loop:
    def __init__(self, options):
        gym.register_envs(ale_py)
        self.options = options
        # What gym.make would add to check and to enforce the order of calls is left out: the bridge's side makes without the checker, too.
        make = lambda: gym.wrappers.AtariPreprocessing(
            gym.make(options.id, frameskip=1, disable_env_checker=True), screen_size=options.size, grayscale_obs=False
        )
        self.envs = [make() for _ in range(options.envs)]
        self.frames = np.zeros((options.envs, options.size, options.size, 3), np.uint8)
        self.rewards = np.zeros(options.envs)
        self.reset()

    def reset(self):
        self.at = 0
        self.ended = [False] * len(self.envs)
        for i, env in enumerate(self.envs):
            self.frames[i], _ = env.reset(seed=SEED + i)

    def step(self):
        for i, env in enumerate(self.envs):
            if self.ended[i]:
                self.frames[i], _ = env.reset()
                self.rewards[i], self.ended[i] = 0, False
                continue
            self.frames[i], self.rewards[i], terminated, truncated, _ = env.step((self.at + i) % 4)
            self.ended[i] = terminated or truncated
        self.at += 1

    def values(self):
        self.reset()
        frames, rewards = [self.frames.copy()], []
        for _ in range(self.options.compared):
            self.step()
            frames.append(self.frames.copy())
            rewards.append(self.rewards.astype(np.float32))
        return {"frames": np.stack(frames), "rewards": np.stack(rewards)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path, help="where arrays go")
    arguments.add_argument("--threads", type=int, default=1, help="taken for granted: one")
    for name in ("envs", "size", "compared"):
        arguments.add_argument("--" + name, type=int, required=True)
    arguments.add_argument("--id", required=True)
    options = arguments.parse_args()
    cv2.setNumThreads(1)
    loop = Loop(options)
    for _ in range(3):
        loop.step()
    print(f"READY Python {sys.version.split()[0]}, gymnasium {gym.__version__}, a loop over {options.envs} games", flush=True)
    for line in sys.stdin:
        if line.strip() == "values":
            (options.folder / "values").mkdir(exist_ok=True)
            answer = loop.values()
            for name, array in answer.items():
                np.save(options.folder / "values" / f"{name}.npy", array)
            answer = list(answer)
        else:
            answer = []
            for _ in range(int(line)):
                start = time.perf_counter()
                loop.step()
                answer.append((time.perf_counter() - start) * 1000)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
