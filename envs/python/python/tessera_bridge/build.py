"""Environments by id, with what goes around each of them."""

import importlib

import gymnasium as gym

from .preprocessing import Preprocessing
from .spaces import Unsupported
from .values import decode

# Packages that are known to register a namespace when they are imported.
NAMESPACES = {"ALE": "ale_py"}


def build(setup):
    """One environment. `setup` has id, kwargs, maxEpisodeSteps and preprocessing, each None where nothing is asked for."""
    kwargs = decode(setup["kwargs"])
    preprocessing = setup["preprocessing"]
    steps = setup["maxEpisodeSteps"]
    name = import_registration(setup["id"])
    if preprocessing is not None and has_console(name):
        # Frames are skipped here, and seen by asking the console: what it would observe by itself is never looked at.
        kwargs = {"frameskip": 1, "obs_type": "ram", **kwargs}
        if kwargs["frameskip"] != 1:
            raise Unsupported("frameskip %s with preprocessing, which skips frames itself" % (kwargs["frameskip"],))
    inner = {} if steps is None else {"max_episode_steps": -1}
    env = gym.make(name, disable_env_checker=True, **inner, **kwargs)
    if preprocessing is not None:
        env = Preprocessing(env, **preprocessing)
    if steps is not None and steps != -1:
        # Around the preprocessing: a step is a decision, not a frame.
        env = gym.wrappers.TimeLimit(env, max_episode_steps=steps)
    return env


def import_registration(id):
    """Imports what registers the environment: the module of `module:id`, or the package that is known for its namespace. Returns the id alone."""
    module, colon, name = id.rpartition(":")
    if colon:
        importlib.import_module(module)
    namespace = name.partition("/")[0] if "/" in name else None
    if namespace in NAMESPACES and not any(spec.namespace == namespace for spec in gym.registry.values()):
        try:
            importlib.import_module(NAMESPACES[namespace])
        except ModuleNotFoundError as missing:
            if missing.name != NAMESPACES[namespace]:
                raise
    return name


def has_console(name):
    """Whether the environment is one of ale_py's, whatever its id."""
    entry_point = getattr(gym.registry.get(name), "entry_point", None)
    return name.startswith("ALE/") or str(entry_point).startswith("ale_py.")
