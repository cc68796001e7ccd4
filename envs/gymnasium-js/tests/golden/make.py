"""Golden data from Gymnasium itself: python make.py writes the JSON files beside it. Needs gymnasium (1.3 or 1.4) and numpy 2."""

import difflib
import json
import pathlib

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

gym.logger.min_level = gym.logger.ERROR
here = pathlib.Path(__file__).parent
inf = np.inf


def write(name, data):
    (here / name).write_text(json.dumps(data, separators=(",", ":")) + "\n")


# --- spaces: samples are written as numbers whose shortest decimal form gives the same bits back ---

SEEDS = [0, 1, 42, 2**31 - 1, 2**64 + 12345]


def number(x):
    if isinstance(x, float) and not np.isfinite(x):
        return str(x)
    return x


def flat(x):
    return [number(v) for v in np.asarray(x).ravel().tolist()]


def box(low, high, shape, dtype):
    low = np.array(low, dtype=np.float64 if dtype.startswith("float") else None) if isinstance(low, list) else low
    high = np.array(high, dtype=np.float64 if dtype.startswith("float") else None) if isinstance(high, list) else high
    if isinstance(low, np.ndarray) and low.dtype.kind == "i" and np.dtype(dtype).kind == "f":
        low = low.astype(dtype)
    space = spaces.Box(low, high, shape, dtype=np.dtype(dtype).type if dtype != "bool" else bool)
    given = lambda b: flat(b) if isinstance(b, np.ndarray) else number(b)
    return {
        "low": given(low),
        "high": given(high),
        "shape": list(space.shape),
        "dtype": dtype,
        "text": str(space),
        "samples": {str(s): [flat(space.sample()) for _ in range(4)] for s in SEEDS if space.seed(s) is not None},
    }


boxes = [
    box(-1.0, 2.0, (3, 4), "float32"),
    box(-1.0, 2.0, (3,), "float64"),
    box([-inf, -1, -inf, 0, 2, -inf], [inf, inf, 3, 1, 5, inf], (6,), "float32"),
    box([-inf, 0.1, -2.5], [inf, inf, 1e-3], (3,), "float64"),
    box(0, 255, (4, 5, 3), "uint8"),
    box(0, 255, (2, 2), "int32"),
    box(-5, 5, (7,), "int8"),
    box(-300, 400, (7,), "int16"),
    box(-inf, inf, (5,), "int32"),
    box(-inf, 10, (5,), "int64"),
    box(-3, inf, (5,), "int64"),
    box(-(2**40), 2**40, (3,), "int64"),
    box(0, 2**32 - 1, (3,), "uint32"),
    box(0, 65535, (3,), "uint16"),
    box(0, 1, (9,), "bool"),
    box([-4.8, -inf, -0.41887903, -inf], [4.8, inf, 0.41887903, inf], (4,), "float32"),
    box([-1.0, -2.0], [2.0, 4.0], (2,), "float32"),
    box([-1.2, -0.07], [0.6, 0.07], (2,), "float32"),
    box([1e-5, -1e10], [2.5, 1e12], (2,), "float32"),
    box(1e-7, 1e16, (2,), "float64"),
    box(-0.5, 0.1, (1,), "float32"),
    box(0.1, 0.3, (), "float32"),
    box([0, 0, -7], [1, 10, 100], (3,), "int64"),
]

discretes = []
for n, start in [(2, 0), (6, 0), (7, -3), (1, 5), (3 * 2**30, 0), (2**50 + 3, 11)]:
    space = spaces.Discrete(n, start=start)
    discretes.append({
        "n": n,
        "start": start,
        "text": str(space),
        "samples": {str(s): [int(space.sample()) for _ in range(12)] for s in SEEDS if space.seed(s) is not None},
    })

masks = []
for mask in [[1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]]:
    space = spaces.Discrete(6, start=2, seed=8)
    masks.append({"mask": mask, "samples": [int(space.sample(mask=np.array(mask, np.int8))) for _ in range(20)]})
probabilities = []
for p in [[0.1, 0.2, 0.3, 0.1, 0.2, 0.1], [0, 0, 1, 0, 0, 0], [0.5, 0, 0, 0, 0, 0.5]]:
    space = spaces.Discrete(6, start=2, seed=9)
    probabilities.append({"probability": p, "samples": [int(space.sample(probability=np.array(p, float))) for _ in range(20)]})

write("spaces.json", {"boxes": boxes, "discretes": discretes, "masks": masks, "probabilities": probabilities})

# --- suggestions of the registry ---

known = ["CartPole", "Breakout", "Catch", "MountainCar", "MountainCarContinuous", "Acrobot", "SpaceInvaders", "a"]
words = ["Cartpole", "cartpole", "BreakOut", "breakout", "Brakeout", "Cat", "Catch22", "MountianCar", "mountaincarcont",
         "Invaders", "Spaceinvader", "zzz", "", "b", "CarPole", "Acrobat", "kcatch", "tuokaerB"]
write("suggestions.json", {"known": known, "words": {w: difflib.get_close_matches(w, known, n=1) for w in words}})

# --- vector environments: an environment whose episodes end after 2 to 5 steps, under the three autoreset modes ---


class Counter(gym.Env):
    """Observation [steps, length, last action]; the same environment is in tests/counter.ts."""

    observation_space = spaces.Box(0, 100, (3,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.action = 0, 0
        self.length = 2 + int(self.np_random.integers(4))
        return self.observe(), {"length": self.length}

    def step(self, action):
        self.steps += 1
        self.action = int(action)
        info = {"draw": float(self.np_random.random())} if self.steps % 2 == 0 else {}
        ended = self.steps == self.length
        return self.observe(), float(self.steps) / 2, ended and self.length % 2 == 0, ended and self.length % 2 == 1, info

    def observe(self):
        return np.array([self.steps, self.length, self.action], np.float32)


def listed(info):
    out = {}
    for key, value in info.items():
        if isinstance(value, dict):
            out[key] = listed(value)
        elif key in ("final_obs",):
            out[key] = [None if v is None else flat(v) for v in value]
        else:
            out[key] = value.tolist()
    return out


def vector(mode, seed):
    envs = SyncVectorEnv([Counter for _ in range(4)], autoreset_mode=mode)
    observation, info = envs.reset(seed=seed)
    steps = [{"observation": flat(observation), "info": listed(info)}]
    ended = np.zeros(4, bool)
    for t in range(25):
        if mode == "Disabled" and ended.any():
            observation, info = envs.reset(options={"reset_mask": ended})
            steps.append({"reset": ended.tolist(), "observation": flat(observation), "info": listed(info)})
        actions = np.array([(t + i) % 3 for i in range(4)])
        observation, reward, terminated, truncated, info = envs.step(actions)
        ended = terminated | truncated
        steps.append({
            "actions": actions.tolist(), "observation": flat(observation), "reward": reward.tolist(),
            "terminated": terminated.tolist(), "truncated": truncated.tolist(), "info": listed(info),
        })
    return {"mode": mode, "seed": seed, "steps": steps}


write("vector.json", [vector(mode, seed) for mode in ("NextStep", "SameStep", "Disabled") for seed in (0, 7)])
