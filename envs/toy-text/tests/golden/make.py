"""Golden traces from Gymnasium itself: python make.py writes traces.json and maps.json beside it. Needs gymnasium 1.3.0 and numpy 2.

With arguments, python make.py '[{"id": ..., "policy": ..., "kwargs": ..., "seeds": [...], "steps": ..., "every": ...}]', it prints traces of these
cases instead: live.test.ts asks for fresh seeds that way.
"""

import hashlib
import json
import pathlib
import re
import struct
import sys

import gymnasium as gym
import numpy as np
from gymnasium.envs.toy_text.frozen_lake import generate_random_map

gym.logger.min_level = gym.logger.ERROR
here = pathlib.Path(__file__).parent
SEEDS = [*range(16), 2**31 - 1, 2**32, 2**40 + 7, 2**64 + 12345]


def snake(name):
    return re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), name)


# The same rules are in tests/traces.ts.
POLICIES = {
    "masked": lambda env, o, info: env.action_space.sample(mask=info["action_mask"]),
    "brave": lambda env, o, info: env.action_space.sample() if o[0] < 19 else 0,
    "east": lambda env, o, info: 1 if env.action_space.sample() < 2 else 2,
}


def ints(observation):
    return [int(x) for x in observation] if isinstance(observation, tuple) else [int(observation)]


def trace(case):
    kwargs = {snake(key): value for key, value in case.get("kwargs", {}).items()}
    mode = case.get("renderMode")
    env = gym.make(case["id"], disable_env_checker=True, render_mode=mode, **kwargs)
    runs = {}
    for seed in case["seeds"]:
        env.action_space.seed(int(seed))
        policy = POLICIES.get(case["policy"], lambda env, o, info: env.action_space.sample())
        episode, episodes, texts = hashlib.sha256(), [], hashlib.sha256()

        def arrived(observation, info):
            episode.update(struct.pack(f"<{len(ints(observation))}i", *ints(observation)))
            episode.update(struct.pack("<d", info.get("prob", -1)) + info.get("action_mask", np.zeros(0, np.int8)).tobytes())
            if mode == "ansi":
                texts.update(env.render().encode())

        observation, info = env.reset(seed=int(seed))
        arrived(observation, info)
        clear = [ints(observation)]
        for t in range(1, case["steps"] + 1):
            observation, reward, terminated, truncated, info = env.step(policy(env, observation, info))
            arrived(observation, info)
            episode.update(struct.pack("<d", reward) + bytes([bool(terminated), bool(truncated)]))
            if t % case["every"] == 0:
                clear.append([*ints(observation), float(reward)])
            if terminated or truncated:
                episodes.append([episode.hexdigest()[:16], t])
                episode = hashlib.sha256()
                observation, info = env.reset()
                arrived(observation, info)
        episodes.append([episode.hexdigest()[:16], case["steps"]])
        # Episodes may be two steps long: one hash over all of theirs.
        ends = hashlib.sha256(json.dumps(episodes, separators=(",", ":")).encode()).hexdigest()
        runs[str(seed)] = {"count": len(episodes), "first": episodes[0], "all": ends, "clear": clear}
        if mode == "ansi":
            runs[str(seed)].update({"texts": texts.hexdigest(), "last": env.render()})
    return {**case, "seeds": [str(seed) for seed in case["seeds"]], "runs": runs}


def case(id, policy="random", kwargs=None, seeds=SEEDS, steps=500, every=50, mode=None):
    out = {"id": id, "policy": policy, "seeds": seeds, "steps": steps, "every": every}
    if kwargs:
        out["kwargs"] = kwargs
    if mode:
        out["renderMode"] = mode
    return out


OWN_MAP = ["SFFFS", "FHFGF", "SFFFF"]
FEW = SEEDS[:5]
CASES = [
    case("FrozenLake-v1", mode="ansi"),
    case("FrozenLake8x8-v1", mode="ansi"),
    case("FrozenLake-v1", kwargs={"isSlippery": False}, seeds=FEW),
    case("FrozenLake-v1", kwargs={"successRate": 0.8, "rewardSchedule": [5, -1, -0.1]}, seeds=FEW),
    case("FrozenLake-v1", kwargs={"desc": OWN_MAP, "successRate": 0.7}, seeds=FEW),
    case("CliffWalking-v1", mode="ansi"),
    case("CliffWalking-v1", "east"),
    case("CliffWalkingSlippery-v1"),
    case("CliffWalkingSlippery-v1", "east"),
    case("Taxi-v4", mode="ansi"),
    case("Taxi-v4", "masked", mode="ansi"),
    case("Taxi-v4", "masked", {"isRainy": True}),
    case("Taxi-v4", "masked", {"ficklePassenger": True, "fickleProbability": 0.9}),
    case("Taxi-v4", "masked", {"isRainy": True, "ficklePassenger": True, "rainyProbability": 0.5}),
    case("Blackjack-v1"),
    case("Blackjack-v1", "brave"),
    case("Blackjack-v1", "brave", {"natural": True, "sab": False}),
    case("Blackjack-v1", "brave", {"natural": False, "sab": False}, FEW),
]

if len(sys.argv) > 1:
    print(json.dumps([trace(case) for case in json.loads(sys.argv[1])]))
else:
    lines = ",\n".join(json.dumps(trace(case), separators=(",", ":")) for case in CASES)
    (here / "traces.json").write_text(f"[\n{lines}\n]\n")
    maps = [
        {"size": size, "p": p, "seed": seed, "map": generate_random_map(size, p, seed)}
        for size, p in [(2, 0.8), (4, 0.5), (8, 0.8), (8, 0.6), (16, 0.9), (5, 1.5)]
        for seed in range(6)
    ]
    (here / "maps.json").write_text(json.dumps(maps, separators=(",", ":")) + "\n")
