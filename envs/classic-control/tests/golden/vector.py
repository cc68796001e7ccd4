"""Golden traces of Gymnasium's CartPoleVectorEnv: python vector.py writes vector.json beside it. Needs gymnasium 1.3.0 and numpy 2.

With arguments, python vector.py '[{"id": ..., "policy": ..., "numEnvs": ..., "kwargs": ..., "options": ..., "seed": ..., "steps": ...}]', it prints traces of
these cases instead: the test asks for fresh seeds that way.
"""

import hashlib
import json
import pathlib
import re
import sys

import gymnasium as gym
import numpy as np

EVERY = 50


def snake(name):
    return re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), name)


# The same rule is in tests/policies.ts: it sees the observation as doubles.
def balance(rows):
    o = rows.astype(np.float64).T
    return (o[2] + 0.3 * o[3] + 0.05 * o[0] + 0.1 * o[1] > 0).astype(np.int64)


def trace(case):
    """A hash of all observations, rewards and flags for each stretch of EVERY steps, and how many episodes ended in it."""
    kwargs = {snake(key): value for key, value in case.get("kwargs", {}).items()}
    envs = gym.make_vec(case["id"], num_envs=case["numEnvs"], vectorization_mode="vector_entry_point", **kwargs)
    envs.action_space.seed(int(case["seed"]))
    observation, _ = envs.reset(seed=int(case["seed"]), options=case.get("options"))
    digest, ends, stretches = hashlib.sha256(observation.tobytes()), 0, []
    for t in range(1, case["steps"] + 1):
        actions = envs.action_space.sample() if case["policy"] == "random" else balance(observation)
        observation, reward, terminated, truncated, _ = envs.step(actions)
        assert observation.dtype == np.float32
        digest.update(observation.tobytes())
        # 0.0 and not -0.0, which Sutton and Barto's reward has for most steps.
        digest.update((reward.astype("<f8") + 0.0).tobytes())
        digest.update(terminated.astype(np.uint8).tobytes() + truncated.astype(np.uint8).tobytes())
        ends += int(np.sum(terminated | truncated))
        if t % EVERY == 0:
            stretches.append([digest.hexdigest()[:16], ends])
            digest, ends = hashlib.sha256(), 0
    return {**case, "stretches": stretches}


CASES = [
    {"id": "CartPole-v1", "policy": "random", "numEnvs": 7, "seed": "3", "steps": 500},
    {"id": "CartPole-v1", "policy": "balance", "numEnvs": 5, "seed": "18446744073709563961", "steps": 1100},
    {"id": "CartPole-v0", "policy": "balance", "numEnvs": 3, "seed": "0", "steps": 500},
    {"id": "CartPole-v1", "policy": "random", "numEnvs": 16, "seed": "8", "steps": 300, "kwargs": {"suttonBartoReward": True, "maxEpisodeSteps": 20}},
    {"id": "CartPole-v1", "policy": "random", "numEnvs": 4, "seed": "1", "steps": 300, "options": {"low": -0.1, "high": 0.15}},
    {"id": "CartPole-v1", "policy": "random", "numEnvs": 1, "seed": "5", "steps": 300},
]

if len(sys.argv) > 1:
    print(json.dumps([trace(case) for case in json.loads(sys.argv[1])]))
else:
    out = pathlib.Path(__file__).parent / "vector.json"
    lines = ",\n".join(json.dumps(trace(case), separators=(",", ":")) for case in CASES)
    out.write_text(f"[\n{lines}\n]\n")
