// Preprocessing in the child: the numbers of Gymnasium's AtariPreprocessing, and those of resizeArea on this side.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import type { Preprocessing } from '@tessera/env-python';
import { Discrete, resizeArea } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { bridged, fixture, hasModules, python, whyNoPython } from './support.ts';

const hasConsole = hasModules('gymnasium', 'ale_py', 'cv2');
const whyNoConsole = hasConsole ? '' : ' (skipped: TESSERA_PYTHON names no Python with gymnasium, ale_py and cv2)';
const reference = fileURLToPath(new URL('fixtures/atari_reference.py', import.meta.url));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const actionsOf = (count: number): number[] => Array.from({ length: count }, (_, t) => (t * 7 + (t >> 3)) % 4);

interface ReferenceStep {
  readonly frame: string;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  readonly lives: number;
}

describe.skipIf(!hasConsole)(`AtariPreprocessing${whyNoConsole}`, () => {
  test.each<[id: string, preprocessing: Preprocessing, arguments_: Record<string, unknown>]>([
    ['ALE/Breakout-v5', { size: 64 }, { screen_size: 64, grayscale_obs: false }],
    [
      'ALE/Pong-v5',
      { size: 84, grayscale: true, noopMax: 5 },
      { screen_size: 84, grayscale_newaxis: true, noop_max: 5 },
    ],
    [
      'ALE/Breakout-v5',
      { size: [70, 64], frameSkip: 3, terminalOnLifeLoss: true, noopMax: 0 },
      { screen_size: [64, 70], grayscale_obs: false, frame_skip: 3, terminal_on_life_loss: true, noop_max: 0 },
    ],
  ])('%s with %j, step for step', async (id, preprocessing, kwargs) => {
    const actions = actionsOf(150);
    const words = [reference, id, JSON.stringify(kwargs), JSON.stringify(actions)];
    const expected = JSON.parse(
      execFileSync(python!, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    ) as {
      shape: number[];
      start: ReferenceStep;
      steps: ReferenceStep[];
    };
    const envs = await bridged<Uint8Array>(id, { preprocessing, autoresetMode: 'Disabled' });
    expect(envs.singleObservationSpace.shape).toEqual(expected.shape);
    const start = await envs.reset({ seed: 7 });
    expect(sha256(start.observation)).toBe(expected.start.frame);
    let ended = false;
    for (const [t, action] of actions.entries()) {
      if (ended) await envs.reset();
      const { observation, reward, terminated, truncated, info } = await envs.step([action]);
      const got = {
        frame: sha256(observation),
        reward: reward[0],
        terminated: terminated[0] === 1,
        truncated: truncated[0] === 1,
        lives: (info['lives'] as Float64Array)[0],
      };
      expect([t, got]).toEqual([t, expected.steps[t]]);
      ended = got.terminated || got.truncated;
    }
  });

  test('frames of several games side by side, and arguments that do not fit', async () => {
    const envs = await bridged<Uint8Array>('ALE/Breakout-v5', { numEnvs: 3, preprocessing: { size: 64, noopMax: 1 } });
    expect(envs.singleActionSpace.equals(new Discrete(4))).toBe(true);
    await envs.reset({ seed: 0 });
    const render = await bridged<Uint8Array>('ALE/Breakout-v5', { preprocessing: {}, renderMode: 'rgb_array' });
    await render.reset({ seed: 0 });
    expect(render.singleObservationSpace.shape).toEqual([210, 160, 3]);
    expect((await render.render())[0]).toMatchObject({ shape: [210, 160, 3] });
    await expect(bridged('ALE/Breakout-v5', { preprocessing: {}, frameskip: 4 })).rejects.toThrow(
      new ConfigError(
        'makeVec: python:ALE/Breakout-v5: not supported: frameskip 4 with preprocessing, which skips frames itself.',
      ),
    );
  });
});

describe.skipIf(python === undefined)(`any environment of pictures${whyNoPython}`, () => {
  const grey = (frame: Uint8Array): Uint8Array =>
    Uint8Array.from({ length: frame.length / 3 }, (_, i) =>
      Math.trunc(frame[3 * i]! * 0.2125 + frame[3 * i + 1]! * 0.7154 + frame[3 * i + 2]! * 0.0721),
    );

  test.prop(
    [
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
    ],
    { numRuns: 4 },
  )('is what these functions make of the frames themselves', async (seed, frameSkip, height, width, grayscale) => {
    const preprocessing = { frameSkip, size: [height, width] as const, grayscale, noopMax: 0 };
    const [raw, processed] = await Promise.all([
      fixture<Uint8Array>('Pictures-v1', { autoresetMode: 'Disabled' }),
      fixture<Uint8Array>('Pictures-v1', { autoresetMode: 'Disabled', preprocessing }),
    ]);
    const channels = grayscale ? 1 : 3;
    const view = (frame: Uint8Array): Uint8Array => (grayscale ? grey(frame) : frame);
    const small = (frame: Uint8Array): Uint8Array => resizeArea(frame, [30, 20, channels], [height, width]);
    expect(processed.singleObservationSpace.shape).toEqual([height, width, channels]);
    const start = await raw.reset({ seed });
    let last = view(start.observation);
    expect((await processed.reset({ seed })).observation).toEqual(small(last));
    for (let t = 0; t < 4; t++) {
      const frames: Uint8Array[] = [];
      for (let skip = 0; skip < frameSkip; skip++) frames.push(view((await raw.step([0])).observation));
      const previous = frames.at(-2);
      last = frames.at(-1)!.map((x, i) => Math.max(x, previous?.[i] ?? 0));
      const { observation, reward } = await processed.step([0]);
      expect([t, ...reward]).toEqual([t, frameSkip]);
      expect(observation).toEqual(small(last));
    }
  });

  test('lives are needed to lose one', async () => {
    const preprocessing = { terminalOnLifeLoss: true };
    await expect(fixture('Pictures-v1', { preprocessing })).rejects.toThrow(
      'terminalOnLifeLoss of an environment without lives',
    );
  });

  test('pictures are resized without cv2 as with it', () => {
    // Every golden case that shrinks, in the version of numpy alone.
    const script = `
import hashlib, json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import numpy as np
from tessera_bridge.resize_area import resize_area
cases = wrong = 0
for seed, height, width, channels, new_height, new_width, expected in json.load(open(sys.argv[2]))["cases"]:
    if new_height > height or new_width > width: continue
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    if seed % 5 == 4: image = (image >> 7) * np.uint8(255)
    cases += 1
    wrong += hashlib.sha256(resize_area(image, (new_width, new_height)).tobytes()).hexdigest() != expected
print(json.dumps([cases, wrong]))`;
    const paths = ['../python', '../../gymnasium-js/tests/golden/images.json'].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    );
    const [cases, wrong] = JSON.parse(execFileSync(python!, ['-c', script, ...paths], { encoding: 'utf8' })) as [
      number,
      number,
    ];
    expect(wrong).toBe(0);
    expect(cases).toBeGreaterThan(80);
  });
});
