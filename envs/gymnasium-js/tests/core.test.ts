// What wrappers are made of: attributes by name, specs that build everything again, list render modes, errors, warnings, equality.
import { fc, test } from '@fast-check/vitest';
import { ConfigError, ndarray } from '@tessera/core';
import {
  ActionWrapper,
  AddRenderObservation,
  AlreadyPendingCallError,
  benchmarkInit,
  benchmarkRender,
  benchmarkStep,
  cappedCubicVideoSchedule,
  checkEnv,
  ClipReward,
  dataEquivalence,
  EnvSpec,
  error,
  FrameStackObservation,
  inNamespace,
  logger,
  make,
  NoAsyncCallError,
  ObservationWrapper,
  pprintRegistry,
  RecordEpisodeStatistics,
  register,
  registerEnvs,
  registerWrapper,
  registry,
  RenderCollection,
  RewardWrapper,
  setWarningHandler,
  spec,
  StickyAction,
  TimeAwareObservation,
  TimeLimit,
  TransformReward,
  Wrapper,
} from 'gymnasium-js';
import type { Env, EnvMetadata, RenderResult, WrapperClass } from 'gymnasium-js';
import { afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { Counter } from './counter.ts';
import { Signal } from './signal.ts';

let warnings: string[] = [];
beforeAll(() => {
  setWarningHandler((message, kind) => warnings.push(`${kind}: ${message}`));
  register({ id: 'Counter-v0', entryPoint: () => new Counter(), maxEpisodeSteps: 4 });
  register({ id: 'Drawn-v0', entryPoint: ({ renderMode }) => new Drawn(renderMode as string) });
});
beforeEach(() => {
  warnings = [];
});
afterEach(() => {
  logger.minLevel = logger.WARN;
});

class Drawn extends Counter {
  override readonly metadata: EnvMetadata = { renderModes: ['rgb_array', 'ansi'], renderFps: 4 };
  readonly #mode: string | undefined;
  constructor(mode?: string) {
    super();
    this.#mode = mode;
  }
  override get renderMode(): string | undefined {
    return this.#mode;
  }
  override render(): RenderResult {
    if (this.#mode === 'ansi') return `step ${this.steps}`;
    return this.#mode === 'rgb_array' ? ndarray('uint8', [1, 1, 3], Uint8Array.of(this.steps, 0, 0)) : undefined;
  }
}

class Outer extends Wrapper<Float32Array> {
  colour = 'red';
}

describe('attributes', () => {
  test('are those of the outermost wrapper that has them', () => {
    const inner = new Counter();
    const env = new Outer(new TimeLimit(inner, { maxEpisodeSteps: 3 }));
    expect(['colour', 'maxEpisodeSteps', 'length', 'nothing'].map((name) => env.hasWrapperAttr(name))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect([env.getWrapperAttr('colour'), env.getWrapperAttr('maxEpisodeSteps')]).toEqual(['red', 3]);
    expect(env.setWrapperAttr('length', 5)).toBe(true);
    expect(inner.length).toBe(5);
    expect(env.setWrapperAttr('weight', 2, { force: false })).toBe(false);
    expect(env.setWrapperAttr('weight', 2)).toBe(true);
    expect([env.getWrapperAttr('weight'), inner.hasWrapperAttr('weight')]).toEqual([2, false]);
    inner.steps = 2;
    expect((env.getWrapperAttr('observe') as () => Float32Array)()).toEqual(Float32Array.of(2, 5, 0));
  });

  test('that are not there, or cannot be set', () => {
    const env = new Outer(new Counter());
    expect(() => env.getWrapperAttr('weight')).toThrow('wrapper Outer has no attribute "weight".');
    expect(() => new Counter().getWrapperAttr('weight')).toThrow('Counter has no attribute "weight".');
    expect(() => env.setWrapperAttr('renderMode', 'human')).toThrow('Outer: the attribute "renderMode" cannot be set.');
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
      expect(env.hasWrapperAttr(name)).toBe(false);
      expect(() => env.setWrapperAttr(name, {})).toThrow(ConfigError);
    }
  });

  test('a random stream set by hand has the seed -1', () => {
    const env = new Outer(new Counter());
    expect(typeof env.npRandomSeed).toBe('bigint');
    const { npRandom } = new Counter();
    env.npRandom = npRandom;
    expect([env.npRandom, env.unwrapped.npRandom, env.npRandomSeed]).toEqual([npRandom, npRandom, -1]);
  });
});

describe('specs', () => {
  const built = (): Env<unknown> =>
    new TimeAwareObservation(
      new ClipReward(new StickyAction(make('Counter-v0'), { repeatActionProbability: 0.5 }), { maxReward: 1 }),
      { flatten: false },
    );

  test('record wrappers with their arguments, and build them again, from JSON too', () => {
    const env = built();
    expect(env.spec!.additionalWrappers.map(({ name, kwargs }) => [name, kwargs])).toEqual([
      ['StickyAction', { repeatActionProbability: 0.5 }],
      ['ClipReward', { maxReward: 1 }],
      ['TimeAwareObservation', { flatten: false }],
    ]);
    const json = JSON.stringify(env.spec);
    for (const again of [make<unknown>(env.spec!), make<unknown>(EnvSpec.fromJSON(json)), env.spec!.make<unknown>()]) {
      expect(String(again)).toBe(String(env));
      expect(again.spec!.toJSON()).toEqual(env.spec!.toJSON());
      again.reset({ seed: 3 });
      env.reset({ seed: 3 });
      for (let i = 0; i < 4; i++) expect(again.step(i % 3)).toEqual(env.step(i % 3));
    }
    expect(JSON.stringify(EnvSpec.fromJSON(json))).toBe(json);
  });

  test('record what Gymnasium forgets: statistics, sticky durations, keys of pictures', () => {
    const env = new RecordEpisodeStatistics(
      new AddRenderObservation(
        new StickyAction(make('Drawn-v0', { renderMode: 'rgb_array' }), {
          repeatActionProbability: 0,
          repeatActionDuration: [1, 2],
        }),
        { renderOnly: false, renderKey: 'view' },
      ),
      { bufferLength: 3, statsKey: 'all' },
    );
    const again = make<unknown>(EnvSpec.fromJSON(JSON.stringify(env.spec)));
    expect(String(again.observationSpace)).toBe(String(env.observationSpace));
    expect(again.spec!.toJSON()).toEqual(env.spec!.toJSON());
  });

  test('of registered wrappers, and of those that do not say how they were built', () => {
    register({
      id: 'Clipped-v0',
      entryPoint: () => new Counter(),
      additionalWrappers: [ClipReward.wrapperSpec({ maxReward: 0 })],
    });
    const env = make('Clipped-v0');
    env.reset();
    expect([String(env).startsWith('<ClipReward<OrderEnforcing'), env.step(0).reward]).toEqual([true, 0]);
    expect(() => make(new Outer(make<Float32Array>('Counter-v0')).spec!)).toThrow(
      'Outer wrapper does not record its arguments, therefore, the wrapper cannot be recreated.',
    );
    class Own extends Wrapper<Float32Array> {
      constructor(inner: Env<Float32Array>, options: object) {
        super(inner, { ...options });
      }
    }
    const json = JSON.stringify(new Own(make<Float32Array>('Counter-v0'), { a: 1 }).spec);
    expect(() => make(EnvSpec.fromJSON(json))).toThrow('make: the wrapper Own is not known.');
    registerWrapper(Own as unknown as WrapperClass, 'Own');
    expect(make(EnvSpec.fromJSON(json))).toBeInstanceOf(Own);
  });

  test('of an entry point that wraps: its wrappers are not put on twice', () => {
    const entryPoint = (): Env<unknown, unknown> => new ClipReward(new Counter(), { maxReward: 1 }) as never;
    register({ id: 'Prior-v0', entryPoint });
    const env = make('Prior-v0');
    expect(String(make(env.spec!))).toBe(String(env));
    const other = env.spec!.with({ additionalWrappers: [ClipReward.wrapperSpec({ maxReward: 2 })] });
    expect(() => make(other)).toThrow("The environment's wrapper spec ClipReward is different from the saved");
  });

  test.each([
    [{ id: 'A-v0', kwargs: { f: (): number => 0 } }, 'Callable found in A-v0 for kwargs.f.'],
    [{ id: 'A-v0', kwargs: { x: [1, Infinity] } }, 'Infinity found in A-v0 for kwargs.x[1].'],
    [{ id: 'A-v0', kwargs: { x: new Map() } }, 'An object of class Map found in A-v0 for kwargs.x.'],
    [{ id: 'A-v0', kwargs: { x: 3n } }, 'A bigint found in A-v0 for kwargs.x.'],
  ])('JSON cannot hold %o', (options, message) => {
    expect(() => new EnvSpec(options).toJSON()).toThrow(message);
  });

  test('a wrapper with a function has no JSON either', () => {
    const env = new TransformReward(make('Counter-v0'), { func: (x) => x });
    expect(() => JSON.stringify(env.spec)).toThrow(
      'Callable found in Counter-v0 for additionalWrappers.TransformReward.func',
    );
    expect(String(make(env.spec!))).toBe(String(env));
  });

  const hostile = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('null', '[]', '3', '{"id":3}', '{"id":"A-v0","additionalWrappers":3}', '{"id":"A-v0","x":1}'),
    fc.constant('{"id":"A-v0","additionalWrappers":[{"name":3,"kwargs":{}}]}'),
  );
  test.prop([hostile])('anything else is refused with a ConfigError', (json) => {
    try {
      expect(EnvSpec.fromJSON(json)).toBeInstanceOf(EnvSpec);
    } catch (refused) {
      expect(refused).toBeInstanceOf(ConfigError);
    }
  });

  test('print themselves', () => {
    const text = built().spec!.pprint({ disablePrint: true });
    expect(text).toBe(
      'id=Counter-v0\nmaxEpisodeSteps=4\nadditionalWrappers=[' +
        '\n\tname=StickyAction, kwargs={ repeatActionProbability: 0.5 },' +
        '\n\tname=ClipReward, kwargs={ maxReward: 1 },' +
        '\n\tname=TimeAwareObservation, kwargs={ flatten: false }\n]',
    );
    expect(spec('Counter-v0').pprint({ disablePrint: true, printAll: true })).toContain('additionalWrappers=[]');
  });
});

describe('registry', () => {
  test('puts ids into a namespace, and prints them as Gymnasium does', () => {
    inNamespace('shop', () => {
      for (const id of ['Till-v0', 'Shelf-v1', 'Shelf-v0', 'other/Basket'])
        register({ id, entryPoint: () => new Counter() });
    });
    expect([...registry.keys()].filter((id) => id.startsWith('shop/'))).toHaveLength(4);
    const excludeNamespaces = [undefined];
    expect(pprintRegistry({ disablePrint: true, excludeNamespaces })).toBe(
      '===== shop =====\nshop/Basket shop/Shelf-v0 shop/Shelf-v1\nshop/Till-v0',
    );
    expect(() => pprintRegistry({ numCols: 0 })).toThrow('expected a whole number > 0 as numCols, got 0.');
    expect(() => inNamespace('shop', () => register({ id: 'bad id' } as never))).toThrow(ConfigError);
    register({ id: 'Outside-v0', entryPoint: () => new Counter() });
    expect(registry.has('Outside-v0')).toBe(true);
    expect(registerEnvs({})).toBeUndefined();
  });
});

describe('render modes', () => {
  test('that end in _list collect frames', () => {
    const env = make<Float32Array>('Drawn-v0', { renderMode: 'rgb_array_list' });
    expect(env).toBeInstanceOf(RenderCollection);
    expect([env.renderMode, env.metadata.renderModes]).toEqual([
      'rgb_array_list',
      ['rgb_array', 'ansi', 'rgb_array_list'],
    ]);
    const frames = (): number[] => (env.render() as unknown as { data: Uint8Array }[]).map(({ data }) => data[0]!);
    env.reset({ seed: 1 });
    env.step(0);
    expect(frames()).toEqual([0, 1]);
    expect(frames()).toEqual([]);
    env.step(0);
    const state = structuredClone(env.getState());
    expect(frames()).toEqual([2]);
    env.setState(state);
    expect(frames()).toEqual([2]);
    env.step(0);
    env.reset();
    expect(frames()).toEqual([0]);
    expect(make(env.spec!).renderMode).toBe('rgb_array_list');
    expect(() => new RenderCollection(new Counter())).toThrow(error.UnsupportedMode);
  });

  test('that are not declared make a warning, and broken pictures an error', () => {
    const env = make('Drawn-v0', { renderMode: 'depth' });
    expect(warnings).toEqual([
      'warn: The environment Drawn-v0 is being initialised with renderMode="depth" that is not in the possible renderModes (rgb_array, ansi).',
    ]);
    env.close();
    class Broken extends Drawn {
      override render(): RenderResult {
        return 'oops';
      }
    }
    register({ id: 'Broken-v0', entryPoint: ({ renderMode }) => new Broken(renderMode as string) });
    const broken = make('Broken-v0', { renderMode: 'rgb_array' });
    broken.reset();
    expect(() => broken.render()).toThrow(
      'Broken-v0: render() in the mode rgb_array: expected a picture uint8 [height, width, 3], got "oops".',
    );
    expect(() => checkEnv(make('Broken-v0'))).toThrow(
      'checkEnv: Broken-v0 breaks the rule "render": it threw: Broken-v0: render() in the mode rgb_array',
    );
  });
});

describe('the three kinds of wrappers', () => {
  class Shift extends ObservationWrapper<Float32Array> {
    override observation(observation: Float32Array): Float32Array {
      return observation.map((x) => x + 1);
    }
  }
  class Other extends ActionWrapper<Float32Array> {
    override action(action: number): number {
      return 2 - action;
    }
  }
  class Twice extends RewardWrapper<Float32Array> {
    override reward(reward: number): number {
      return 2 * reward;
    }
  }

  test.prop([fc.nat(), fc.array(fc.nat({ max: 2 }), { maxLength: 2 })])('change one thing each', (seed, actions) => {
    const bare = new Counter();
    const env = new Shift(new Other(new Twice(new Counter())));
    const first = bare.reset({ seed });
    const shift = (x: Float32Array): Float32Array => x.map((value) => value + 1);
    expect(env.reset({ seed })).toEqual({ ...first, observation: shift(first.observation) });
    for (const action of actions) {
      const result = bare.step(2 - action);
      const expected = { ...result, reward: 2 * result.reward, observation: shift(result.observation) };
      expect(env.step(action)).toEqual(expected);
    }
  });

  test('need an environment', () => {
    expect(() => new Twice({} as never)).toThrow('Expected env to be an Env but got object.');
  });
});

test("error classes have their names, and are all the caller's mistakes", () => {
  expect(Object.keys(error)).toHaveLength(20);
  for (const [name, Kind] of Object.entries(error)) {
    const made = new Kind('text', 'step');
    expect([made.name, made.message]).toEqual([name === 'Error' ? 'GymnasiumError' : name, 'text']);
    expect(made).toBeInstanceOf(ConfigError);
  }
  expect(new error.VersionNotFound('x')).toBeInstanceOf(error.Error);
  expect(new AlreadyPendingCallError('x', 'step').pendingCall).toBe('step');
  expect(new NoAsyncCallError('x', 'step').missingCall).toBe('step');
});

test('warnings have a level', () => {
  logger.warn('a');
  logger.deprecation('b');
  logger.minLevel = logger.ERROR;
  logger.warn('c');
  logger.error('d');
  logger.minLevel = logger.ERROR + 1;
  logger.error('e');
  expect(warnings).toEqual(['warn: a', 'deprecation: b', 'error: d']);
  expect(() => (logger.minLevel = NaN)).toThrow('expected a number as minLevel, got NaN.');
});

test('checkEnv says what is odd', () => {
  expect(checkEnv(new Counter())).toEqual([]);
  const env = make('Counter-v0');
  expect(checkEnv(env)[0]).toMatch(/^The environment \(<TimeLimit<.*is different from the unwrapped version/);
  class Endless extends Counter {
    override readonly metadata: EnvMetadata = { renderModes: ['human'] };
  }
  expect(checkEnv(new Endless())).toEqual([expect.stringContaining('No render fps was declared')]);
  expect(checkEnv(new Signal('real', 'real'))).toEqual([
    expect.stringContaining('For Box action spaces, we recommend'),
  ]);
  expect(() => checkEnv({} as never)).toThrow('checkEnv: The environment must inherit from the Env class');
});

test('equality is to the bit, or as close as Gymnasium wants it', () => {
  const a = { x: Float64Array.of(1, NaN), y: [true, 'text', 3] };
  const near = { x: Float64Array.of(1 + 1e-6, NaN), y: [true, 'text', 3] };
  expect([dataEquivalence(a, structuredClone(a), { exact: true }), dataEquivalence(a, near)]).toEqual([true, true]);
  expect(dataEquivalence(a, near, { exact: true })).toBe(false);
  for (const other of [{ ...a, x: Float32Array.of(1, NaN) }, { x: a.x }, { ...a, y: [true, 'text', 3.1] }, null]) {
    expect(dataEquivalence(a, other)).toBe(false);
  }
});

test('benchmarks count per second', () => {
  const options = { targetDuration: 0.02, seed: 1 };
  const env = make('Drawn-v0', { renderMode: 'ansi' });
  for (const rate of [
    benchmarkStep(env, options),
    benchmarkRender(env, options),
    benchmarkInit(() => new Counter(), options),
  ]) {
    expect(rate).toBeGreaterThan(10);
  }
  expect(() => benchmarkStep(env, { targetDuration: 0 })).toThrow('expected seconds > 0 as targetDuration, got 0.');
});

test('films are of episodes 0, 1, 8, 27, ..., and then of every thousandth', () => {
  const filmed = Array.from({ length: 3001 }, (_, i) => i).filter(cappedCubicVideoSchedule);
  expect(filmed).toEqual([0, 1, 8, 27, 64, 125, 216, 343, 512, 729, 1000, 2000, 3000]);
});

test('FrameStackObservation pads with a value of its own', () => {
  const own = Float32Array.of(1, 2, 3);
  const env = new FrameStackObservation(new Counter(), { stackSize: 2, paddingType: own });
  own.fill(9);
  expect([...env.reset({ seed: 0 }).observation].slice(0, 3)).toEqual([1, 2, 3]);
});
