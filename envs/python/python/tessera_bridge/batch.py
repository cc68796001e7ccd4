"""The environments of this process, stepped one after the other into rows, under one of the three autoreset modes."""

import copy
import math

import numpy as np

from .loose import decode_loose, encode_loose
from .spaces import WAY_OUT, Mismatch, Unsupported, derived, join, kind_of, leaves, place, split
from .values import encode


class Batch:
    def __init__(self, envs, mode, checks):
        self.envs, self.mode, self.checks = envs, mode, checks
        self.current = 0
        self.observation_space, self.action_space = envs[0].observation_space, envs[0].action_space
        self.leaves, self.action_leaves = checked_leaves("observation", self.observation_space), checked_leaves("action", self.action_space)
        count = len(envs)
        self.rows = [[None] * count if leaf.is_loose else np.zeros((count, *leaf.shape), leaf.dtype) for leaf in self.leaves]
        self.rewards = np.zeros(count, np.float64)
        self.terminated, self.truncated = np.zeros(count, np.uint8), np.zeros(count, np.uint8)

    def reset(self, seeds, mask, options):
        """Resets the environments that `mask` marks; their infos, None for the others."""
        return self._each(lambda i: self._reset(i, seeds[i], options) if mask[i] else None)

    def step(self, raw, loose, cut, skip):
        """One step of each. Those in `cut` are not stepped: their episode ends as truncated; those in `skip` are reset already."""
        actions = self._read_actions(raw, loose)

        def visit(i):
            if i in skip:
                self._flags(i, 0.0, False, False)
                return {"info": ["d", {}]}
            if i in cut:
                self._flags(i, 0.0, False, True)
                return {"info": ["d", {"restarted": True}]}
            return self._step(i, next_action(i))

        def next_action(i):
            return join(self.action_space, iter(part[i] for part in actions))

        return self._each(visit)

    def _step(self, i, action):
        env = self.envs[i]
        if self.mode == "NextStep" and (self.terminated[i] or self.truncated[i]):
            return self._reset(i, None, None)
        result = env.step(action)
        if not isinstance(result, tuple) or len(result) != 5:
            size = " of %d values" % len(result) if isinstance(result, tuple) else ""
            raise Mismatch("expected (observation, reward, terminated, truncated, info) of step, got %s%s" % (kind_of(result), size))
        observation, reward, terminated, truncated, info = result
        for name, flag in (("terminated", terminated), ("truncated", truncated)):
            if not isinstance(flag, (bool, np.bool_)):
                raise Mismatch("expected a bool as %s, got %s" % (name, kind_of(flag)))
        reward = self._check_reward(reward)
        self._check_info(info)
        self._write(i, observation)
        self._flags(i, reward, terminated, truncated)
        report = self._report(info)
        if self.mode != "SameStep" or not (terminated or truncated):
            return report
        last = self._encode_row(i)
        following = self._reset(i, None, None)
        self._flags(i, reward, terminated, truncated)
        return {**following, "final": {"obs": last, "info": report["info"]}}

    def _reset(self, i, seed, options):
        result = self.envs[i].reset(seed=seed, options=options)
        if not isinstance(result, tuple) or len(result) != 2:
            raise Mismatch("expected (observation, info) of reset, got %s" % kind_of(result))
        self._check_info(result[1])
        self._write(i, result[0])
        self._flags(i, 0.0, False, False)
        return self._report(result[1])

    def _check_reward(self, reward):
        try:
            value = float(reward)
        except (TypeError, ValueError):
            raise Mismatch("expected a number as reward, got %s" % kind_of(reward)) from None
        if self.checks and not math.isfinite(value):
            raise Mismatch("expected a finite reward, got %s" % value)
        return value

    def _check_info(self, info):
        if not isinstance(info, dict):
            raise Mismatch("expected a dict as info, got %s" % kind_of(info))

    def _write(self, i, observation):
        try:
            for leaf, rows, value in zip(self.leaves, self.rows, split(self.observation_space, observation)):
                if leaf.is_loose:
                    rows[i] = encode_loose(leaf, value, self.checks)
                else:
                    leaf.write(rows[i, ...], value, self.checks)
        except Mismatch as mismatch:
            raise Mismatch("the observation is outside its space: %s" % mismatch) from None

    def _flags(self, i, reward, terminated, truncated):
        self.rewards[i], self.terminated[i], self.truncated[i] = reward, terminated, truncated

    def _report(self, info):
        dropped = {}
        report = {"info": encode(info, dropped)}
        if dropped:
            report["dropped"] = dropped
        return report

    def _encode_row(self, i):
        return [rows[i] if leaf.is_loose else encode(np.array(rows[i])) for leaf, rows in zip(self.leaves, self.rows)]

    def _read_actions(self, raw, loose):
        """Rows of actions, leaf by leaf; what has no fixed size comes apart from the bytes."""
        count, at, actions = len(self.envs), 0, []
        loose = iter(loose or ())
        for leaf in self.action_leaves:
            if leaf.is_loose:
                actions.append([decode_loose(leaf, sent) for sent in next(loose)])
                continue
            size = count * math.prod(leaf.shape)
            values = np.frombuffer(raw, leaf.dtype.newbyteorder("<"), size, at)
            actions.append(values.reshape((count, *leaf.shape)))
            at += values.nbytes
        return actions

    def render(self):
        def visit(i):
            frame = self.envs[i].render()
            if frame is None or isinstance(frame, str):
                return frame
            if isinstance(frame, np.ndarray) and frame.dtype == np.uint8 and frame.ndim == 3:
                return np.ascontiguousarray(frame)
            raise Mismatch("expected a picture, uint8 [height, width, channels], or a text of render, got %s" % kind_of(frame))

        return self._each(visit)

    @property
    def arrays(self):
        """What goes out after each reset and step, in order."""
        rows = [rows for leaf, rows in zip(self.leaves, self.rows) if not leaf.is_loose]
        return [self.rewards, self.terminated, self.truncated, *rows]

    @property
    def loose(self):
        """JSON of what has no place in arrays: for each such leaf a list."""
        return [rows for leaf, rows in zip(self.leaves, self.rows) if leaf.is_loose]

    def _each(self, visit):
        results = []
        for i in range(len(self.envs)):
            self.current = i
            results.append(visit(i))
        return results

    def close(self):
        for env in self.envs:
            env.close()



def checked_leaves(what, space):
    """The leaves of a space. Raises Unsupported, which says whose space it is, for one that cannot cross over."""
    try:
        found = leaves(space)
        for path, part in derived(space):
            _check_derived(part, path)
    except Unsupported as unsupported:
        raise Unsupported("the %s space%s" % (what, unsupported)) from None
    return found


def _check_derived(space, path):
    """A class of somebody's own crosses over as the one of Gymnasium that it is derived from: its samples have to be values of that, bounds aside."""
    try:
        value = copy.deepcopy(space).sample()
    except Exception:
        # Not every space can be sampled, and nothing is known of its values then.
        return
    try:
        for leaf, part in zip(leaves(space), split(space, value)):
            if leaf.is_loose:
                encode_loose(leaf, part, False)
            else:
                leaf.write(np.zeros(leaf.shape, leaf.dtype), part, False)
    except Mismatch as mismatch:
        kind = "%s.%s" % (type(space).__module__, type(space).__qualname__)
        what = "samples of the class %s are not of the one that it is derived from" % kind
        raise Unsupported("%s: %s: %s. %s" % (place(path), what, mismatch, WAY_OUT)) from None
