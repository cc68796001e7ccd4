"""CartPole in Gymnasium: the peer of env-step, env-pixels and env-vector.

Started as `python cart_pole.py FOLDER --task step|pixels|vector`; the folder has `actions.npy`, int32 [T], for `vector` [T, N]. Speaks as
packages/engine/bench/peers/README.md says. One unit of work is to take all the actions, with a reset where an episode ends.
"""

import argparse
import json
import pathlib
import sys
import time

import gymnasium as gym
import numpy as np

gym.logger.min_level = gym.logger.ERROR


class Single:
    """One environment with the wrappers of make; with pictures, its 600x400 drawing shrunk to 64x64 as a user would."""

    def __init__(self, actions, pixels):
        if pixels:
            env = gym.wrappers.AddRenderObservation(gym.make("CartPole-v1", render_mode="rgb_array"))
            self.env = gym.wrappers.ResizeObservation(env, (64, 64))
        else:
            self.env = gym.make("CartPole-v1")
        self.actions, self.pixels = actions.tolist(), pixels

    def start(self, seed):
        self.env.reset(seed=seed)

    def work(self, see=None):
        env = self.env
        for action in self.actions:
            observation, reward, terminated, truncated, _ = env.step(action)
            if see:
                see(observation, reward)
            if terminated or truncated:
                env.reset()

    def values(self):
        observations, rewards = [], []
        self.start(0)
        self.work(lambda observation, reward: (observations.append(observation), rewards.append(reward)))
        if self.pixels:
            return {"rewards": np.array(rewards, np.float64), "bytes": np.array([observations[-1].size], np.int32)}
        return {"observations": np.array(observations), "rewards": np.array(rewards, np.float64)}


class Vector:
    """AsyncVectorEnv with its defaults: a process each, observations in shared memory."""

    def __init__(self, actions):
        self.envs = gym.make_vec("CartPole-v1", num_envs=actions.shape[1], vectorization_mode="async")
        self.actions = list(actions.astype(np.int64))

    def start(self, seed):
        self.envs.reset(seed=seed)

    def work(self, see=None):
        for row in self.actions:
            observation, reward, _, _, _ = self.envs.step(row)
            if see:
                see(observation, reward)

    def values(self):
        observations, rewards = [], []
        self.start(0)
        self.work(lambda observation, reward: (observations.append(observation), rewards.append(reward)))
        return {"observations": np.array(observations), "rewards": np.array(rewards)}


def serve(folder, task):
    actions = np.load(folder / "actions.npy")
    side = Vector(actions) if task == "vector" else Single(actions, task == "pixels")
    side.start(1)
    side.work()
    print(f"READY Gymnasium {gym.__version__}", flush=True)
    for line in sys.stdin:
        if line.split() == ["values"]:
            values = side.values()
            (folder / "values").mkdir(exist_ok=True)
            for name, array in values.items():
                np.save(folder / "values" / f"{name}.npy", array)
            answer = list(values)
        else:
            answer = []
            side.start(1)
            for _ in range(int(line)):
                start = time.perf_counter()
                side.work()
                answer.append((time.perf_counter() - start) * 1000)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--task", choices=["step", "pixels", "vector"], required=True)
    parser.add_argument("--threads", type=int, default=2, help="ignored: AsyncVectorEnv has a process for each environment")
    options = parser.parse_args()
    serve(options.folder, options.task)
