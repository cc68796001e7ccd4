"""Traces of Gymnasium's wrappers: python wrappers.py writes wrappers.json beside it. Needs gymnasium 1.3, numpy 2 and opencv."""

import json
import pathlib

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium import wrappers as w

gym.logger.min_level = gym.logger.ERROR + 1
here = pathlib.Path(__file__).parent


class Signal(gym.Env):
    """Draws its observations; the same environment is in tests/signal.ts. `info.action` is the action as it arrived."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}
    render_mode = "rgb_array"

    def __init__(self, kind, actions):
        state = spaces.Box(-5, 5, (3,), np.float32)
        self.kind = kind
        self.observation_space = {
            "real": state,
            "double": spaces.Box(np.array([-5.0, -0.7, 0.1]), np.array([5.0, 0.3, 9.1]), (3,), np.float64),
            "bytes": spaces.Box(0, 255, (4, 6, 3), np.uint8),
            "grey": spaces.Box(0, 255, (4, 6), np.uint8),
            "word": spaces.Discrete(7, start=2),
            "dict": spaces.Dict({"state": state, "count": spaces.Discrete(5)}),
            "tuple": spaces.Tuple((state, spaces.Discrete(5))),
        }[kind]
        self.action_space = {
            "real": spaces.Box(np.array([-1, -2], np.float32), np.array([2, 4], np.float32)),
            "word": spaces.Discrete(4),
        }[actions]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 3 + int(self.np_random.integers(9))
        return self.observe(), {}

    def step(self, action):
        self.left -= 1
        reward = float(self.np_random.random() * 10 - 4)
        info = {"action": np.asarray(action).ravel().tolist()}
        ended = self.left == 0
        even = bool(self.np_random.integers(2))
        return self.observe(), reward, ended and even, ended and not even, info

    def observe(self):
        rng = self.np_random
        state = lambda: (rng.random(3) * 10 - 5).astype(np.float32)
        count = lambda: int(rng.integers(5))
        return {
            "real": state,
            "double": lambda: np.array([-5.0, -0.7, 0.1]) + rng.random(3) * np.array([10.0, 1.0, 9.0]),
            "bytes": lambda: rng.integers(0, 256, (4, 6, 3), np.uint8),
            "grey": lambda: rng.integers(0, 256, (4, 6), np.uint8),
            "word": lambda: 2 + int(rng.integers(7)),
            "dict": lambda: {"state": state(), "count": count()},
            "tuple": lambda: (state(), count()),
        }[self.kind]()

    def render(self):
        # Of the state alone, so that it draws nothing.
        return np.full((2, 3, 3), self.left * 7, np.uint8)


def plain(x):
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, tuple):
        return [plain(value) for value in x]
    return np.asarray(x).ravel().tolist()


def trace(name, options, kind, actions, wrap, steps=30, seed=5):
    env = wrap(Signal(kind, actions))
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    rows = [{"observation": plain(observation)}]
    for _ in range(steps):
        action = env.action_space.sample()
        if name == "ClipAction":
            action = action * 3
        observation, reward, terminated, truncated, info = env.step(action)
        # What RecordEpisodeStatistics says of time is nobody's constant.
        if "episode" in info:
            info["episode"].pop("t")
        row = {
            "action": plain(action), "observation": plain(observation), "reward": float(reward),
            "terminated": bool(terminated), "truncated": bool(truncated), "info": info,
        }
        if terminated or truncated:
            # Gymnasium takes the maximum with frames of earlier episodes here.
            if name == "MaxAndSkipObservation":
                row["observation"] = None
            if name != "Autoreset":
                row["reset"] = plain(env.reset()[0])
        rows.append(row)
    return {
        "name": name, "options": options, "kind": kind, "actions": actions, "seed": seed, "rows": rows,
        "observationSpace": str(env.observation_space), "actionSpace": str(env.action_space),
    }


if __name__ == "__main__":
    limited = lambda env: w.TimeLimit(env, 8)
    traces = [
        trace("Autoreset", {}, "real", "word", w.Autoreset),
        trace("TimeLimit", {"maxEpisodeSteps": 5}, "real", "word", lambda env: w.TimeLimit(env, 5)),
        trace("RecordEpisodeStatistics", {}, "real", "word", w.RecordEpisodeStatistics),
        trace("GrayscaleObservation", {}, "bytes", "word", w.GrayscaleObservation),
        trace("GrayscaleObservation", {"keepDim": True}, "bytes", "word", lambda env: w.GrayscaleObservation(env, True), steps=5),
        trace("ResizeObservation", {"shape": [2, 3]}, "bytes", "word", lambda env: w.ResizeObservation(env, (2, 3))),
        trace("ResizeObservation", {"shape": [3, 4]}, "grey", "word", lambda env: w.ResizeObservation(env, (3, 4))),
        trace("ResizeObservation", {"shape": [7, 9]}, "bytes", "word", lambda env: w.ResizeObservation(env, (7, 9)), steps=6),
        trace("ReshapeObservation", {"shape": [8, 9]}, "bytes", "word", lambda env: w.ReshapeObservation(env, (8, 9)), steps=5),
        trace("MaxAndSkipObservation", {"skip": 2}, "bytes", "word", lambda env: w.MaxAndSkipObservation(env, 2), steps=12),
        trace("MaxAndSkipObservation", {}, "real", "word", w.MaxAndSkipObservation),
        trace("RescaleObservation", {"minObs": 0, "maxObs": 1}, "real", "word", lambda env: w.RescaleObservation(env, 0, 1)),
        trace("RescaleObservation", {"minObs": -0.3, "maxObs": [1, 0.7, 12.5]}, "double", "word",
              lambda env: w.RescaleObservation(env, -0.3, np.array([1, 0.7, 12.5]))),
        trace("NormalizeObservation", {}, "real", "word", w.NormalizeObservation),
        trace("NormalizeObservation", {"epsilon": 0.01}, "double", "word", lambda env: w.NormalizeObservation(env, 0.01)),
        trace("NormalizeObservation", {}, "grey", "word", w.NormalizeObservation, steps=5),
        trace("NormalizeReward", {}, "real", "word", w.NormalizeReward),
        trace("NormalizeReward", {"gamma": 0.5, "epsilon": 0.1}, "real", "word", lambda env: w.NormalizeReward(env, 0.5, 0.1)),
        trace("ClipReward", {"minReward": -1, "maxReward": 2.5}, "real", "word", lambda env: w.ClipReward(env, -1, 2.5)),
        trace("ClipReward", {"maxReward": 0}, "real", "word", lambda env: w.ClipReward(env, None, 0)),
        trace("ClipAction", {}, "real", "real", w.ClipAction),
        trace("RescaleAction", {"minAction": -1, "maxAction": 1}, "real", "real", lambda env: w.RescaleAction(env, -1, 1)),
        trace("RescaleAction", {"minAction": [0, 0.25], "maxAction": 0.7}, "real", "real",
              lambda env: w.RescaleAction(env, np.array([0, 0.25]), 0.7)),
        trace("RepeatAction", {"numRepeats": 3}, "real", "word", lambda env: w.RepeatAction(env, 3)),
        trace("StickyAction", {"repeatActionProbability": 0.4}, "real", "word", lambda env: w.StickyAction(env, 0.4), steps=60),
        trace("StickyAction", {"repeatActionProbability": 0.3, "repeatActionDuration": [1, 3]}, "real", "real",
              lambda env: w.StickyAction(env, 0.3, (1, 3)), steps=60),
        trace("StickyAction", {"repeatActionProbability": 0.3, "repeatActionDuration": 2}, "real", "word",
              lambda env: w.StickyAction(env, 0.3, 2), steps=60),
        trace("FrameStackObservation", {"stackSize": 3}, "real", "word", lambda env: w.FrameStackObservation(env, 3)),
        trace("FrameStackObservation", {"stackSize": 2, "paddingType": "zero"}, "bytes", "word",
              lambda env: w.FrameStackObservation(env, 2, padding_type="zero"), steps=8),
        trace("FrameStackObservation", {"stackSize": 4, "paddingType": "zero"}, "double", "word",
              lambda env: w.FrameStackObservation(env, 4, padding_type="zero")),
        trace("FrameStackObservation", {"stackSize": 3, "paddingType": 6}, "word", "word",
              lambda env: w.FrameStackObservation(env, 3, padding_type=6)),
        trace("FrameStackObservation", {"stackSize": 2}, "dict", "word", lambda env: w.FrameStackObservation(env, 2)),
        trace("FrameStackObservation", {"stackSize": 2, "paddingType": "zero"}, "tuple", "word",
              lambda env: w.FrameStackObservation(env, 2, padding_type="zero")),
        trace("DtypeObservation", {"dtype": "float64"}, "real", "word", lambda env: w.DtypeObservation(env, np.float64), steps=5),
        trace("DtypeObservation", {"dtype": "int16"}, "bytes", "word", lambda env: w.DtypeObservation(env, np.int16), steps=5),
        trace("FilterObservation", {"filterKeys": ["state"]}, "dict", "word", lambda env: w.FilterObservation(env, ["state"])),
        trace("FilterObservation", {"filterKeys": [1]}, "tuple", "word", lambda env: w.FilterObservation(env, [1])),
        trace("FlattenObservation", {}, "dict", "word", w.FlattenObservation),
        trace("FlattenObservation", {}, "tuple", "word", w.FlattenObservation),
        trace("FlattenObservation", {}, "word", "word", w.FlattenObservation),
        trace("FlattenObservation", {}, "bytes", "word", w.FlattenObservation, steps=5),
        trace("TimeAwareObservation", {}, "real", "word", lambda env: w.TimeAwareObservation(limited(env))),
        trace("TimeAwareObservation", {"flatten": False, "normalizeTime": True}, "real", "word",
              lambda env: w.TimeAwareObservation(limited(env), False, True)),
        trace("TimeAwareObservation", {"flatten": False, "dictTimeKey": "clock"}, "dict", "word",
              lambda env: w.TimeAwareObservation(limited(env), False, dict_time_key="clock")),
        trace("TimeAwareObservation", {"normalizeTime": True}, "tuple", "word",
              lambda env: w.TimeAwareObservation(limited(env), True, True)),
        trace("AddRenderObservation", {}, "real", "word", w.AddRenderObservation, steps=8),
        trace("AddRenderObservation", {"renderOnly": False}, "real", "word", lambda env: w.AddRenderObservation(env, False), steps=8),
        trace("AddRenderObservation", {"renderOnly": False, "renderKey": "view"}, "dict", "word",
              lambda env: w.AddRenderObservation(env, False, "view"), steps=8),
    ]

    (here / "wrappers.json").write_text(json.dumps(traces, separators=(",", ":")) + "\n")
