// Types of observations and actions go through `make`, wrappers and vector environments.
import {
  AddRenderObservation,
  ClipReward,
  DtypeObservation,
  FlattenObservation,
  FrameStackObservation,
  GrayscaleObservation,
  make,
  makeVec,
  ObservationWrapper,
  register,
  RescaleAction,
  ResizeObservation,
  TimeLimit,
  TransformObservation,
  vectorWrappers,
} from 'gymnasium-js';
import type { ActionOf, Env, EnvOf, ObservationOf, TypedArray, VectorEnv, Wrapper } from 'gymnasium-js';
import { expectTypeOf, test } from 'vitest';
import { Counter } from './counter.ts';

declare module 'gymnasium-js' {
  interface EnvRegistry {
    'Typed-v0': Env<Float32Array, number>;
    'TypedPictures-v0': Env<Uint8Array, Float32Array>;
  }
}

register({ id: 'Typed-v0', entryPoint: () => new Counter() });

test('by id, where the id is known', () => {
  expectTypeOf(make('Typed-v0')).toEqualTypeOf<Env<Float32Array, number>>();
  expectTypeOf(make('Typed-v0', { disableEnvChecker: true }).reset().observation).toEqualTypeOf<Float32Array>();
  expectTypeOf(makeVec('Typed-v0')).toEqualTypeOf<Promise<VectorEnv<Float32Array>>>();
  expectTypeOf<EnvOf<'TypedPictures-v0'>>().toEqualTypeOf<Env<Uint8Array, Float32Array>>();
  expectTypeOf<ActionOf<EnvOf<'TypedPictures-v0'>>>().toEqualTypeOf<Float32Array>();
  expectTypeOf<ObservationOf<EnvOf<'TypedPictures-v0'>>>().toEqualTypeOf<Uint8Array>();
});

test('by type argument, where it is not', () => {
  const id: string = 'Typed-v0';
  expectTypeOf(make(id)).toEqualTypeOf<Env<TypedArray, number>>();
  expectTypeOf(make<Float32Array>(id)).toEqualTypeOf<Env<Float32Array, number>>();
  expectTypeOf(make<Uint8Array, Float32Array>).returns.toEqualTypeOf<Env<Uint8Array, Float32Array>>();
});

test('through wrappers', () => {
  const env = make('Typed-v0');
  expectTypeOf(new TimeLimit(env, { maxEpisodeSteps: 3 })).toExtend<Env<Float32Array, number>>();
  expectTypeOf(new ClipReward(env, { maxReward: 1 }).reset().observation).toEqualTypeOf<Float32Array>();
  const pictures = (inner: Env<Uint8Array, Float32Array>) =>
    new GrayscaleObservation(new ResizeObservation(inner, { shape: [8, 8] }));
  expectTypeOf(pictures).returns.toExtend<Env<Uint8Array, Float32Array>>();
  expectTypeOf(new DtypeObservation(env, { dtype: 'float64' }).reset().observation).toEqualTypeOf<Float64Array>();
  const stacked = new FrameStackObservation<Float32Array, number>(env, { stackSize: 2 });
  expectTypeOf(stacked.reset().observation).toEqualTypeOf<Float32Array>();
  expectTypeOf(new FlattenObservation(env).reset().observation).toEqualTypeOf<TypedArray>();
  expectTypeOf(AddRenderObservation<Uint8Array, number, Float32Array>).instance.toExtend<Env<Uint8Array, number>>();
  const continuous = (inner: Env<Float32Array, Float32Array>) =>
    new RescaleAction(inner, { minAction: 0, maxAction: 1 });
  expectTypeOf(continuous).returns.toExtend<Env<Float32Array, Float32Array>>();
  const doubled = new TransformObservation(env, { func: (x: Float32Array): number[] => Array.from(x) });
  expectTypeOf(doubled.reset().observation).toEqualTypeOf<number[]>();
  class Sum extends ObservationWrapper<number, number, Float32Array> {
    override observation(observation: Float32Array): number {
      return observation[0]!;
    }
  }
  expectTypeOf(new Sum(env)).toExtend<Wrapper<number, number, Float32Array, number>>();
});

test('through vector wrappers', () => {
  const clipped = (envs: VectorEnv<Float32Array>) => new vectorWrappers.ClipReward(envs, { maxReward: 1 });
  expectTypeOf(clipped).returns.toExtend<VectorEnv<Float32Array>>();
});
