// The end of a run on kernels: assignments move a buffer into the variable, Adam changes the variable's own memory.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { effectInputs } from '../record/recorder.ts';
import type { Effect } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { checkPlace } from '../ops/gather.ts';
import { size } from '../ops/shapes.ts';
import type { KernelContext } from './kernel-context.ts';
import { WasmContext } from './wasm-context.ts';

type Adam = Extract<Effect, { kind: 'adam' }>;
type Slice = Extract<Effect, { kind: 'slice' }>;

/** The buffer of each variable. */
export interface Buffers {
  get(name: string): TensorInfo | undefined;
  set(name: string, buffer: TensorInfo): unknown;
}

/** Makes all effects, or none when a slice does not fit. Assigned values were computed before; the assignments come first, so that Adam's changes in place reach none of them. */
export function applyEffects(context: KernelContext, effects: readonly Effect[], buffers: Buffers, value: Value): void {
  const { backend } = context;
  for (const effect of effects) if (effect.kind === 'slice') checkSlice(context, effect, buffers, value);
  // An effect may take the old value of a variable that another one changes. A buffer that is held is neither freed nor changed in place.
  const held = effects.flatMap(effectInputs).map(value);
  for (const { dataId } of held) backend.incRef(dataId);
  try {
    for (const effect of effects) {
      if (effect.kind !== 'assign') continue;
      const next = value(effect.value);
      backend.incRef(next.dataId);
      context.free(buffers.get(effect.variable)!);
      buffers.set(effect.variable, { ...next, shape: [...effect.value.shape] });
    }
    for (const effect of effects) {
      if (effect.kind === 'adam') adam(context, effect, buffers, value);
      if (effect.kind === 'slice') writeSlice(context, effect, buffers, value);
    }
  } finally {
    for (const buffer of held) context.free(buffer);
  }
}

type Value = (tensor: Tensor) => TensorInfo;

function checkSlice(
  context: KernelContext,
  { variable, value: part, at, axis }: Slice,
  buffers: Buffers,
  value: Value,
): void {
  const places = buffers.get(variable)!.shape[axis]! - part.shape[axis]! + 1;
  checkPlace('assignSlice', context.read(value(at))[0]!, places);
}

function writeSlice(
  context: KernelContext,
  { variable, value: part, at, axis }: Slice,
  buffers: Buffers,
  value: Value,
): void {
  const buffer = own(context, buffers, variable);
  const [outer, inner] = [size(part.shape.slice(0, axis)), size(part.shape.slice(axis + 1))];
  const [length, row] = [part.shape[axis]! * inner, buffer.shape[axis]! * inner];
  const first = context.read(value(at))[0]! * inner;
  if (context instanceof WasmContext) {
    const bytes = context.heap.uint8(0, context.heap.memory.buffer.byteLength);
    const [from, to] = [context.pointer(value(part)), context.pointer(buffer)];
    for (let i = 0; i < outer; i++) {
      bytes.copyWithin(to + 4 * (i * row + first), from + 4 * i * length, from + 4 * (i + 1) * length);
    }
    return;
  }
  const target = context.read(buffer);
  const source = context.read(value(part));
  for (let i = 0; i < outer; i++) target.set(source.subarray(i * length, (i + 1) * length), i * row + first);
}

// m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, x <- x - decay x - rate m / (sqrt(v / correction) + epsilon)
function adam(context: KernelContext, effect: Adam, buffers: Buffers, value: Value): void {
  const { beta1, beta2, epsilon } = effect;
  const number = (tensor: Tensor) => context.read(value(tensor))[0]!;
  const rate = number(effect.rate);
  const correction = number(effect.correction);
  const decay = number(effect.decay);
  const scale = number(effect.scale);
  const gradient = value(effect.gradient);
  const n = size(effect.gradient.shape);
  const [x, m, v] = [effect.variable, effect.firstMoment, effect.secondMoment].map((name) =>
    own(context, buffers, name),
  );
  if (context instanceof WasmContext) {
    const [param, first, second, g] = [x!, m!, v!, gradient].map((buffer) => context.pointer(buffer)) as [
      number,
      number,
      number,
      number,
    ];
    context.kernels.adam({
      param,
      m: first,
      v: second,
      gradient: g,
      n,
      // The rate is already divided by the first correction, and the decay is a rate of its own.
      learningRate: rate,
      correction1: 1,
      correction2: correction,
      weightDecay: rate === 0 ? 0 : decay / rate,
      gradientScale: scale,
      beta1,
      beta2,
      epsilon,
    });
    return;
  }
  const [params, firsts, seconds] = [x!, m!, v!].map((buffer) => context.read(buffer)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const g = context.read(gradient);
  for (let i = 0; i < n; i++) {
    const slope = scale * g[i]!;
    const mean = beta1 * firsts[i]! + (1 - beta1) * slope;
    const square = beta2 * seconds[i]! + (1 - beta2) * slope * slope;
    firsts[i] = mean;
    seconds[i] = square;
    params[i]! -= decay * params[i]! + (rate * mean) / (Math.sqrt(square / correction) + epsilon);
  }
  // On a backend whose reads are copies the numbers have to go back.
  for (const [name, data] of [
    [effect.variable, params],
    [effect.firstMoment, firsts],
    [effect.secondMoment, seconds],
  ] as const) {
    const buffer = buffers.get(name)!;
    if (context.read(buffer) === data) continue;
    const [fresh] = context.lower([], () => [context.write(data, buffer.shape, 'float32')]);
    context.free(buffer);
    buffers.set(name, fresh!);
  }
}

// The variable's buffer with nobody else looking at it: a copy when an assignment or an output shares it.
function own(context: KernelContext, buffers: Buffers, name: string): TensorInfo {
  const buffer = buffers.get(name)!;
  const { backend } = context as { backend: { refCount?(dataId: object): number } };
  if ((backend.refCount?.(buffer.dataId) ?? 1) === 1) return buffer;
  const dtype = buffer.dtype === 'int32' ? 'int32' : 'float32';
  const [copy] = context.lower([], () => [context.write(context.read(buffer), buffer.shape, dtype)]);
  context.free(buffer);
  buffers.set(name, copy!);
  return copy!;
}
