// The record of a program: the ops that a plain function called, in order, the variables that it read and what is to be written back at the end.
// Recording happens once; executors turn the record into work. One recorder is active at a time, as ops take no context argument.
import { ConfigError, InternalError } from '@tessera/core';
import { callSite } from './call-site.ts';
import type { CallSite } from './call-site.ts';
import type { Attrs, Op } from './op.ts';
import { Tensor, specText } from './tensor.ts';
import type { Spec } from './tensor.ts';

/** One use of an op. */
export interface RecordedNode {
  readonly op: Op;
  readonly attrs: Attrs;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Where the model called it; a gradient's is that of the op whose gradient it is. */
  readonly site?: CallSite | undefined;
}

/** A change of a variable, made after everything else has run. */
export type Effect =
  | { readonly kind: 'assign'; readonly variable: string; readonly value: Tensor }
  | {
      readonly kind: 'slice';
      readonly variable: string;
      readonly value: Tensor;
      /** int32 scalar: where the slice begins along `axis`. */
      readonly at: Tensor;
      readonly axis: number;
    }
  | {
      readonly kind: 'adam';
      readonly variable: string;
      readonly firstMoment: string;
      readonly secondMoment: string;
      readonly gradient: Tensor;
      /** `learningRate / (1 - beta1^t)`, `1 - beta2^t` and `learningRate * weightDecay`, scalars. */
      readonly rate: Tensor;
      readonly correction: Tensor;
      readonly decay: Tensor;
      /** What the gradient is multiplied with first. */
      readonly scale: Tensor;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    };

/** The tensors that an effect takes. */
export function effectInputs(effect: Effect): readonly Tensor[] {
  switch (effect.kind) {
    case 'assign':
      return [effect.value];
    case 'slice':
      return [effect.value, effect.at];
    case 'adam':
      return [effect.gradient, effect.rate, effect.correction, effect.decay, effect.scale];
  }
}

/** The names of the variables that an effect changes. */
export function changedBy(effect: Effect): readonly string[] {
  return effect.kind === 'adam' ? [effect.variable, effect.firstMoment, effect.secondMoment] : [effect.variable];
}

/** Collects the ops of one program. */
export class Recorder {
  readonly name: string;
  /** Whether what runs the program has the ops that only our TensorFlow kernels have. */
  readonly ownKernels: boolean;
  readonly inputs: Map<string, Tensor> = new Map();
  readonly variables: Map<string, Tensor> = new Map();
  readonly nodes: RecordedNode[] = [];
  readonly effects: Effect[] = [];
  #values = 0;

  constructor(name: string, { ownKernels = false }: { readonly ownKernels?: boolean } = {}) {
    this.name = name;
    this.ownKernels = ownKernels;
  }

  /** The number of values so far. */
  get valueCount(): number {
    return this.#values;
  }

  input(name: string, spec: Spec): Tensor {
    const tensor = this.#tensor(spec);
    this.inputs.set(name, tensor);
    return tensor;
  }

  variable(name: string, spec: Spec): Tensor {
    const known = this.variables.get(name);
    if (known !== undefined) return known;
    const tensor = this.#tensor(spec);
    this.variables.set(name, tensor);
    return tensor;
  }

  apply<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): readonly Tensor[] {
    this.check(op.name, inputs);
    const outputs = op.infer(inputs, attrs).map((spec) => this.#tensor(spec));
    // What runs at once fails at once, with a stack of its own.
    const site = this.onNode === undefined ? (this.site ?? callSite()) : undefined;
    this.nodes.push({ op: op as unknown as Op, attrs, inputs, outputs, site });
    this.onNode?.(this.nodes.at(-1)!);
    return outputs;
  }

  /** Throws ConfigError unless all are tensors of this record. */
  check(caller: string, tensors: readonly Tensor[]): void {
    for (const tensor of tensors) {
      if (!(tensor instanceof Tensor)) {
        throw new ConfigError(`${caller}: expected tensors of the program '${this.name}', got ${kindOf(tensor)}.`);
      }
      if (tensor.recorder !== this) {
        throw new ConfigError(
          `${caller}: the tensor ${specText(tensor)} belongs to the program '${tensor.recorder.name}', not to '${this.name}'. Pass values from one program to another through 'run'.`,
        );
      }
    }
  }

  /** The place of the ops that are recorded next, when it is not the present line. */
  site: CallSite | undefined;

  /** Called after each node is recorded; eager evaluation runs it at once. */
  onNode: ((node: RecordedNode) => void) | undefined;

  /** The name of the variable that `tensor` was read from. */
  variableOf(caller: string, tensor: Tensor): string {
    for (const [name, read] of this.variables) if (read === tensor) return name;
    throw new ConfigError(
      `${caller}: expected a state tensor as the function of '${this.name}' got it, got another one, ${specText(tensor)}. Only state can be changed.`,
    );
  }

  #tensor(spec: Spec): Tensor {
    return new Tensor(this, this.#values++, spec);
  }
}

// What was given instead of a tensor, and the way out where there is one.
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return 'shape' in value && 'dtype' in value
    ? "an array. Make it an input of the program or wrap it in 'constant'"
    : 'an object';
}

let active: Recorder | undefined;

/** Runs `body` with `recorder` as the one that ops write to. */
export function recording<T>(recorder: Recorder, body: () => T): T {
  if (active !== undefined) {
    throw new ConfigError(
      `program '${recorder.name}': recorded inside the program '${active.name}'. Call its function, or make the inner program first.`,
    );
  }
  active = recorder;
  try {
    const result = body();
    if (result instanceof Promise) {
      throw new ConfigError(`program '${recorder.name}': expected a plain function, got an async one.`);
    }
    return result;
  } finally {
    active = undefined;
  }
}

/** Whether ops write to `recorder` now. */
export function isActive(recorder: Recorder): boolean {
  return active === recorder;
}

/** The recorder that ops write to now. */
export function activeRecorder(caller: string): Recorder {
  if (active === undefined) {
    throw new ConfigError(
      `${caller}: called outside of a program. Ops run inside the function given to 'state.program', 'engine.program' or 'engine.eager'.`,
    );
  }
  return active;
}

/** Records one use of `op`. */
export function apply<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): readonly Tensor[] {
  return activeRecorder(op.name).apply(op, inputs, attrs);
}

/** Records one use of an op that has one output. */
export function applyOne<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  const [output, ...more] = apply(op, inputs, attrs);
  if (output === undefined || more.length > 0) throw new InternalError(`${op.name} has ${more.length + 1} outputs`);
  return output;
}
