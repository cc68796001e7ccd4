"""What is usual for Atari between an environment and who sees it, done here so that full-size frames never leave this process.

The same numbers as gymnasium.wrappers.AtariPreprocessing, for any environment of pictures: no-ops at the start, frames skipped, the maximum of the last two
(Atari draws some things in every second frame only), size, grey or colours, a life lost as the end.
"""

import gymnasium as gym
import numpy as np

from .resize_area import resizer
from .spaces import Unsupported

# As GrayscaleObservation; consoles that have a palette of greys use their own.
GREY = np.array([0.2125, 0.7154, 0.0721])


class Preprocessing(gym.Wrapper):
    """`size` is (height, width)."""

    def __init__(self, env, noop_max, frame_skip, size, grayscale, terminal_on_life_loss):
        super().__init__(env)
        self.console = getattr(env.unwrapped, "ale", None)
        space = env.observation_space
        if self.console is None:
            if not (isinstance(space, gym.spaces.Box) and space.dtype == np.uint8 and space.shape[2:] == (3,)):
                raise Unsupported("preprocessing of %s, expected pictures: Box(0, 255, (height, width, 3), uint8)" % space)
            height, width = space.shape[:2]
        else:
            height, width = self.console.getScreenDims()
        if terminal_on_life_loss and self.console is None:
            raise Unsupported("terminalOnLifeLoss of an environment without lives (it has no `ale`)")
        self.noop_max, self.frame_skip, self.grayscale = noop_max, frame_skip, grayscale
        self.terminal_on_life_loss = terminal_on_life_loss
        self.size = tuple(size) if size else (height, width)
        self.lives = 0
        self.resize = resizer()
        shape = (height, width) if grayscale else (height, width, 3)
        self.last, self.before = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        channels = 1 if grayscale else 3
        self.observation_space = gym.spaces.Box(0, 255, (*self.size, channels), np.uint8)

    def reset(self, *, seed=None, options=None):
        picture, info = self.env.reset(seed=seed, options=options)
        noops = self.env.unwrapped.np_random.integers(1, self.noop_max + 1) if self.noop_max > 0 else 0
        for _ in range(noops):
            picture, _, terminated, truncated, step_info = self.env.step(0)
            info.update(step_info)
            if terminated or truncated:
                picture, info = self.env.reset(seed=seed, options=options)
        if self.console is not None:
            self.lives = self.console.lives()
        self._look(picture, self.last)
        self.before.fill(0)
        return self._observation(), info

    def step(self, action):
        total = 0.0
        for turn in range(self.frame_skip):
            picture, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if self.terminal_on_life_loss:
                lives = self.console.lives()
                terminated = terminated or lives < self.lives
                self.lives = lives
            if terminated or truncated:
                # As in AtariPreprocessing, the last observation of an episode shows the frames before these.
                break
            if turn == self.frame_skip - 2:
                self._look(picture, self.before)
            elif turn == self.frame_skip - 1:
                self._look(picture, self.last)
        return self._observation(), total, terminated, truncated, info

    def _look(self, picture, out):
        if self.console is None:
            out[...] = (picture * GREY).sum(axis=-1).astype(np.uint8) if self.grayscale else picture
        elif self.grayscale:
            self.console.getScreenGrayscale(out)
        else:
            self.console.getScreenRGB(out)

    def _observation(self):
        if self.frame_skip > 1:
            np.maximum(self.last, self.before, out=self.last)
        height, width = self.size
        observation = self.resize(self.last, (width, height))
        return observation[:, :, None] if self.grayscale else observation
