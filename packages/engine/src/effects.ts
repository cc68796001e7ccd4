// Changes of state at the end of a program.
import { ConfigError, DTypeError, ShapeError } from '@tessera/core';
import { tensorOf } from './ops/constant.ts';
import { expectFloat, sameShape, shapeText } from './ops/shapes.ts';
import { activeRecorder, changedBy } from './record/recorder.ts';
import type { Recorder } from './record/recorder.ts';
import { specText } from './record/tensor.ts';
import type { Tensor } from './record/tensor.ts';

/** Gives a state tensor a new value when the program has run; until then every read sees the old one. Throws ShapeError or DTypeError for a value of another type. */
export function assign(target: Tensor, value: Tensor): void {
  const recorder = activeRecorder('assign');
  recorder.check('assign', [target, value]);
  const variable = untouched(recorder, 'assign', target);
  if (!sameShape(target.shape, value.shape)) {
    throw new ShapeError(`assign: '${variable}' is ${shapeText(target.shape)}, the value ${shapeText(value.shape)}.`);
  }
  if (target.dtype !== value.dtype) {
    throw new DTypeError(`assign: '${variable}' is ${target.dtype}, the value ${value.dtype}.`);
  }
  recorder.effects.push({ kind: 'assign', variable, value });
}

/**
 * Overwrites a part of a state tensor when the program has run, in the tensor's own memory: along `axis` the places from `at` on become `value`, which has the
 * target's shape but for that axis, where it is shorter or as long. Caches grow so, without a copy of what is in them. `at` is an int32 scalar.
 *
 * Throws ShapeError and DTypeError for tensors that do not fit; the run throws ConfigError for a place from which `value` does not fit, and changes nothing then.
 */
export function assignSlice(target: Tensor, value: Tensor, { at, axis }: { at: Tensor; axis: number }): void {
  const recorder = activeRecorder('assignSlice');
  recorder.check('assignSlice', [target, value, at]);
  const variable = untouched(recorder, 'assignSlice', target);
  if (at.dtype !== 'int32' || at.rank !== 0) {
    throw new ShapeError(`assignSlice: expected the place as an int32 scalar, got ${specText(at)}.`);
  }
  if (!Number.isInteger(axis) || axis < 0 || axis >= target.rank) {
    throw new ShapeError(`assignSlice: expected an axis of '${variable}', ${shapeText(target.shape)}, got ${axis}.`);
  }
  const fits =
    value.rank === target.rank &&
    value.shape.every((size, i) => (i === axis ? size <= target.shape[i]! : size === target.shape[i]));
  if (!fits) {
    throw new ShapeError(
      `assignSlice: '${variable}' is ${shapeText(target.shape)}, which has no part ${shapeText(value.shape)} along axis ${axis}.`,
    );
  }
  if (target.dtype !== value.dtype) {
    throw new DTypeError(`assignSlice: '${variable}' is ${target.dtype}, the value ${value.dtype}.`);
  }
  recorder.effects.push({ kind: 'slice', variable, value, at, axis });
}

/** The state of one parameter under Adam and its gradient. */
export interface AdamUpdate {
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
  readonly gradient: Tensor;
  /** `learningRate / (1 - beta1^t)`. */
  readonly rate: Tensor;
  /** `1 - beta2^t`. */
  readonly correction: Tensor;
  /** `learningRate * weightDecay` (AdamW), default 0. */
  readonly decay?: Tensor;
  /** What the gradient is multiplied with first (clipping by the global norm), default 1. */
  readonly scale?: Tensor;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * One Adam step of a parameter when the program has run, in the parameter's own memory, with `g = scale gradient`:
 * `m <- beta1 m + (1 - beta1) g`, `v <- beta2 v + (1 - beta2) g^2`, `x <- x - decay x - rate m / (sqrt(v / correction) + epsilon)` (Kingma and Ba 2015, algorithm 1).
 */
export function adamUpdate(target: Tensor, update: AdamUpdate): void {
  const recorder = activeRecorder('adamUpdate');
  const { gradient, rate, correction, beta1, beta2, epsilon, decay = tensorOf(0), scale = tensorOf(1) } = update;
  const scalars = { rate, correction, decay, scale };
  recorder.check('adamUpdate', [target, update.firstMoment, update.secondMoment, gradient, ...Object.values(scalars)]);
  const variable = untouched(recorder, 'adamUpdate', target);
  const firstMoment = untouched(recorder, 'adamUpdate', update.firstMoment);
  const secondMoment = untouched(recorder, 'adamUpdate', update.secondMoment);
  if (new Set([variable, firstMoment, secondMoment]).size < 3) {
    throw new ConfigError(`adamUpdate: '${variable}' and its moments must be three state tensors.`);
  }
  for (const tensor of [target, update.firstMoment, update.secondMoment, gradient]) {
    if (!sameShape(tensor.shape, target.shape)) {
      throw new ShapeError(
        `adamUpdate: '${variable}' is ${shapeText(target.shape)}, its moments and gradient must be, got ${shapeText(tensor.shape)}.`,
      );
    }
    expectFloat('adamUpdate', tensor);
  }
  for (const [key, scalar] of Object.entries(scalars)) {
    if (scalar.rank !== 0 || scalar.dtype !== 'float32') {
      throw new ShapeError(`adamUpdate: expected a float32 scalar as ${key}, got ${specText(scalar)}.`);
    }
  }
  recorder.effects.push({
    kind: 'adam',
    variable,
    firstMoment,
    secondMoment,
    gradient,
    rate,
    correction,
    decay,
    scale,
    beta1,
    beta2,
    epsilon,
  });
}

function untouched(recorder: Recorder, caller: string, target: Tensor): string {
  const name = recorder.variableOf(caller, target);
  if (recorder.effects.some((effect) => changedBy(effect).includes(name)))
    throw new ConfigError(
      `${caller}: '${name}' is changed twice in the program '${recorder.name}'. Change each state tensor once.`,
    );
  return name;
}
