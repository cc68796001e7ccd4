"""What is said on the connection: a greeting, then one answer to each question until the end."""

import os
import platform
import signal
import traceback

PROTOCOL = 1
OLDEST_GYMNASIUM = (1, 0)


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.batch = None
        # Ctrl-C in a terminal reaches every process of the program; the parent decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run(self):
        if not self._answer("start", self._greet):
            os._exit(3)
        while True:
            kind, data, raw = self.connection.read()
            if kind == "B":
                self._answer("close", self._close)
                os._exit(0)
            name, answer = self.ANSWERS[kind]
            self._answer(name, lambda: answer(self, data, raw))

    def _answer(self, call, work):
        """Does the work; what it raises is the answer then."""
        try:
            work()
            return True
        except Exception as error:
            known = [base.__name__ for base in type(error).__mro__ if base.__module__.startswith(("gymnasium.error", "tessera_bridge"))]
            is_import = isinstance(error, ImportError)
            self.connection.write("E", {
                "call": call,
                "type": type(error).__name__,
                "known": known[0] if known else "ImportError" if is_import else None,
                "message": str(error),
                "module": getattr(error, "name", None) if is_import else None,
                "traceback": traceback.format_exc(),
                "env": None if self.batch is None else self.batch.current,
            })
            return False

    def _greet(self):
        import numpy
        import gymnasium

        found = tuple(int(part) for part in gymnasium.__version__.split(".")[:2])
        if found < OLDEST_GYMNASIUM:
            raise ImportError("gymnasium %s is too old" % gymnasium.__version__, name="gymnasium")
        gymnasium.logger.min_level = gymnasium.logger.ERROR
        versions = {"python": platform.python_version(), "numpy": numpy.__version__, "gymnasium": gymnasium.__version__}
        self.connection.write("H", {"protocol": PROTOCOL, "pid": os.getpid(), "versions": versions})

    def _make(self, setup, _):
        from .batch import Batch
        from .build import build
        from .spaces import describe
        from .values import encode

        envs = [build(setup) for _ in range(setup["count"])]
        batch = Batch(envs, setup["autoresetMode"], setup["checks"])
        env, spec = envs[0], envs[0].spec
        self.connection.write("D", {
            "observationSpace": describe(batch.observation_space),
            "actionSpace": describe(batch.action_space),
            "observation": [leaf.describe() for leaf in batch.leaves],
            "action": [leaf.describe() for leaf in batch.action_leaves],
            "metadata": {"renderModes": list(env.metadata.get("render_modes", [])), "renderFps": env.metadata.get("render_fps")},
            "renderMode": env.render_mode,
            "spec": {
                "id": spec.id,
                "rewardThreshold": spec.reward_threshold,
                "nondeterministic": spec.nondeterministic,
                "maxEpisodeSteps": spec.max_episode_steps,
                "orderEnforce": spec.order_enforce,
                "kwargs": encode(spec.kwargs, {}),
            },
        })
        self.batch = batch

    def _reset(self, data, _):
        from .values import decode

        seeds = [None if seed is None else int(seed) for seed in data["seeds"]]
        self._send_rows(self.batch.reset(seeds, data["mask"], decode(data["options"])))

    def _step(self, data, raw):
        data = data or {}
        cut, skip = data.get("cut", ()), data.get("skip", ())
        self._send_rows(self.batch.step(raw, data.get("loose"), cut, skip))

    def _send_rows(self, reports):
        # Nothing is said of infos that are empty.
        is_plain = all(report is not None and report == {"info": ["d", {}]} for report in reports)
        loose = self.batch.loose
        data = {} if is_plain else {"reports": reports}
        if loose:
            data["loose"] = loose
        self.connection.write("O", data or None, self.batch.arrays)

    def _render(self, _, __):
        frames = self.batch.render()
        described = [frame if frame is None or isinstance(frame, str) else list(frame.shape) for frame in frames]
        self.connection.write("P", {"frames": described}, [frame for frame in frames if hasattr(frame, "nbytes")])

    def _close(self):
        if self.batch is not None:
            self.batch.close()
        self.connection.write("B")

    ANSWERS = {"M": ("make", _make), "R": ("reset", _reset), "S": ("step", _step), "X": ("render", _render)}
