"""Golden traces from Gymnasium itself: python make.py writes traces.json beside it. Needs gymnasium 1.3.0 and numpy 2.

With arguments, python make.py '[{"id": ..., "policy": ..., "kwargs": ..., "options": ..., "seeds": [...], "steps": ..., "every": ...}]', it prints
traces of these cases instead: live.test.ts asks for fresh seeds that way.
"""

import hashlib
import json
import pathlib
import re
import struct
import sys

import gymnasium as gym
import numpy as np

gym.logger.min_level = gym.logger.ERROR
SEEDS = [*range(16), 2**31 - 1, 2**32, 2**40 + 7, 2**64 + 12345]


def snake(name):
    return re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), name)


# The same rules are in tests/policies.ts: they see the observation as doubles.
POLICIES = {
    "balance": lambda o: int(o[2] + 0.3 * o[3] + 0.05 * o[0] + 0.1 * o[1] > 0),
    "pump": lambda o: 2 if o[1] >= 0 else 0,
    "push": lambda o: np.array([1.0 if o[1] >= 0 else -1.0], np.float32),
    "swing": lambda o: 2 if o[4] < 0 else 0,
}


def digits(observation):
    """The shortest decimals that give the float32 values back."""
    return [float(str(x)) for x in observation]


def trace(case):
    kwargs = {snake(key): value for key, value in case.get("kwargs", {}).items()}
    options = case.get("options")
    if options is not None:
        options = {snake(key): value for key, value in options.items()}
    env = gym.make(case["id"], disable_env_checker=True, **kwargs)
    runs = {}
    for seed in case["seeds"]:
        env.action_space.seed(int(seed))
        policy = POLICIES.get(case["policy"])
        observations, rewards, episodes = hashlib.sha256(), hashlib.sha256(), []
        observation, _ = env.reset(seed=int(seed), options=options)
        observations.update(observation.tobytes())
        clear = [digits(observation)]
        for t in range(1, case["steps"] + 1):
            action = env.action_space.sample() if policy is None else policy([*map(float, observation)])
            observation, reward, terminated, truncated, _ = env.step(action)
            assert observation.dtype == np.float32
            observations.update(observation.tobytes() + bytes([bool(terminated), bool(truncated)]))
            rewards.update(struct.pack("<d", float(reward)))
            if t % case["every"] == 0:
                clear.append([*digits(observation), float(reward)])
            if terminated or truncated:
                episodes.append([observations.hexdigest()[:16], rewards.hexdigest()[:16], t])
                observations, rewards = hashlib.sha256(), hashlib.sha256()
                observation, _ = env.reset(options=options)
                observations.update(observation.tobytes())
        episodes.append([observations.hexdigest()[:16], rewards.hexdigest()[:16], case["steps"]])
        runs[str(seed)] = {"episodes": episodes, "clear": clear}
    return {**case, "seeds": [str(seed) for seed in case["seeds"]], "runs": runs}


def case(id, policy="random", kwargs=None, options=None, seeds=SEEDS, steps=500, every=50):
    out = {"id": id, "policy": policy, "seeds": seeds, "steps": steps, "every": every}
    if kwargs:
        out["kwargs"] = kwargs
    if options:
        out["options"] = options
    return out


CASES = [
    case("CartPole-v1"),
    case("CartPole-v1", "balance"),
    case("CartPole-v0", "balance", {"suttonBartoReward": True}, {"low": -0.1, "high": 0.15}, SEEDS[:5]),
    case("MountainCar-v0"),
    case("MountainCar-v0", "pump"),
    case("MountainCar-v0", "pump", {"goalVelocity": 0.02}, {"low": -0.9, "high": -0.1}, SEEDS[:5]),
    case("MountainCarContinuous-v0"),
    case("MountainCarContinuous-v0", "push"),
    case("MountainCarContinuous-v0", "push", {"goalVelocity": 0.05}, {"low": -1.0, "high": 0.3}, SEEDS[:5]),
    case("Pendulum-v1"),
    case("Pendulum-v1", "random", {"g": 9.81}, {"xInit": 1.5, "yInit": 0.5}, SEEDS[:5]),
    case("Acrobot-v1", every=25),
    case("Acrobot-v1", "swing", every=25),
    case("Acrobot-v1", "swing", {}, {"low": -1.0, "high": 0.5}, SEEDS[:5]),
]

if len(sys.argv) > 1:
    print(json.dumps([trace(case) for case in json.loads(sys.argv[1])]))
else:
    out = pathlib.Path(__file__).parent / "traces.json"
    lines = ",\n".join(json.dumps(trace(case), separators=(",", ":")) for case in CASES)
    out.write_text(f"[\n{lines}\n]\n")
