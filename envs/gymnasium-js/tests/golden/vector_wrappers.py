"""Traces of Gymnasium's vector environments of all kinds of spaces and of its vector wrappers: python vector_wrappers.py writes vector-wrappers.json beside
it. Needs gymnasium 1.3, numpy 2 and opencv. The environment is that of wrappers.py."""

import json
import pathlib

import numpy as np
from gymnasium import wrappers as w
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers import vector as v

from wrappers import Signal, plain

here = pathlib.Path(__file__).parent
NUM = 3


def listed(info):
    out = {}
    for key, value in info.items():
        if key == "t":
            continue
        if isinstance(value, dict):
            out[key] = listed(value)
        elif key == "final_obs":
            out[key] = [None if x is None else plain(x) for x in value]
        elif key == "action":
            # Gymnasium makes an array of lists of them.
            continue
        elif key != "_action":
            out[key] = np.asarray(value).tolist()
    return out


def trace(name, options, kind, actions, wrap, mode="NextStep", steps=14, seed=3):
    envs = wrap(SyncVectorEnv([lambda: Signal(kind, actions)] * NUM, autoreset_mode=mode))
    envs.action_space.seed(seed)
    observation, info = envs.reset(seed=seed)
    rows = [{"observation": plain(observation)}]
    for _ in range(steps):
        action = envs.action_space.sample()
        observation, reward, terminated, truncated, info = envs.step(action)
        rows.append({
            "action": plain(action), "observation": plain(observation), "reward": reward.tolist(),
            "terminated": terminated.tolist(), "truncated": truncated.tolist(),
            "info": [{key: x for key, x in one.items() if key != "action"} for one in info] if isinstance(info, list) else listed(info),
        })
    return {
        "name": name, "options": options, "kind": kind, "actions": actions, "mode": mode, "seed": seed, "rows": rows,
        "observationSpace": str(envs.observation_space), "actionSpace": str(envs.action_space),
    }


traces = [
    *[trace("", {}, kind, "word", lambda envs: envs, mode) for kind in ("dict", "tuple", "word") for mode in ("NextStep", "SameStep")],
    trace("RecordEpisodeStatistics", {}, "real", "word", v.RecordEpisodeStatistics, steps=30),
    trace("FilterObservation", {"filterKeys": ["state"]}, "dict", "word", lambda envs: v.FilterObservation(envs, ["state"])),
    trace("FlattenObservation", {}, "dict", "word", v.FlattenObservation),
    trace("GrayscaleObservation", {}, "bytes", "word", v.GrayscaleObservation, steps=10),
    trace("ResizeObservation", {"shape": [2, 3]}, "bytes", "word", lambda envs: v.ResizeObservation(envs, (2, 3)), steps=6),
    trace("ReshapeObservation", {"shape": [6, 4]}, "grey", "word", lambda envs: v.ReshapeObservation(envs, (6, 4)), steps=4),
    trace("RescaleObservation", {"minObs": 0, "maxObs": 1}, "real", "word", lambda envs: v.RescaleObservation(envs, 0, 1)),
    trace("DtypeObservation", {"dtype": "float64"}, "real", "word", lambda envs: v.DtypeObservation(envs, np.float64), steps=4),
    trace("ClipAction", {}, "real", "real", v.ClipAction),
    trace("RescaleAction", {"minAction": -1, "maxAction": 1}, "real", "real", lambda envs: v.RescaleAction(envs, -1, 1)),
    trace("ClipReward", {"minReward": -1, "maxReward": 2}, "real", "word", lambda envs: v.ClipReward(envs, -1, 2)),
]

(here / "vector-wrappers.json").write_text(json.dumps(traces, separators=(",", ":")) + "\n")
