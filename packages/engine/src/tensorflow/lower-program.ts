// Writes a recorded program as nodes of a TensorFlow graph: reads of variables first, then the ops, then, when all results are there, the effects.
// So every read sees the state before the step, and a step that fails anywhere has changed nothing.
import { InternalError } from '@tessera/core';
import { planOf } from '../execute/plan.ts';
import type { ProgramRecord } from '../execute/store.ts';
import { constantOp } from '../ops/constant.ts';
import type { CallSite } from '../record/call-site.ts';
import { effectInputs } from '../record/recorder.ts';
import type { Effect, RecordedNode } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { attr } from './attributes.ts';
import { biasedProducts } from './biased-products.ts';
import type { BiasedProduct } from './biased-products.ts';
import { GraphContext, checkedPlace } from './graph-context.ts';
import type { GraphSettings } from './graph-context.ts';
import type { GraphWriter } from './graph-writer.ts';

/** Where a program stands in a graph. */
export interface LoweredProgram {
  /** Placeholders, in the order of the record's inputs. */
  readonly inputs: readonly string[];
  /** In the order of the record's outputs. */
  readonly outputs: readonly string[];
  /** Fetched to make the effects; undefined when there are none. */
  readonly effects: string | undefined;
}

/** What the programs of one graph share. */
export interface SharedGraph {
  readonly writer: GraphWriter;
  /** Handles of the variables by name. */
  readonly variables: ReadonlyMap<string, string>;
  readonly settings: GraphSettings;
}

type Adam = Extract<Effect, { kind: 'adam' }>;
type Slice = Extract<Effect, { kind: 'slice' }>;

/** Adds a program to a graph. `prefix` is its own in the graph and begins the names of its placeholders. */
export function lowerProgram(graph: SharedGraph, program: ProgramRecord, prefix: string): LoweredProgram {
  return new Lowering(graph, program, prefix).lower();
}

class Lowering {
  readonly #graph: SharedGraph;
  readonly #program: ProgramRecord;
  readonly #prefix: string;
  /** Outputs of the graph by number of the value. */
  readonly #values = new Map<number, string>();
  readonly #constants = new Map<number, RecordedNode>();
  readonly #variableNames = new Map<number, string>();
  readonly #shared = new Map<string, string>();

  constructor(graph: SharedGraph, program: ProgramRecord, prefix: string) {
    this.#graph = graph;
    this.#program = program;
    this.#prefix = prefix;
  }

  lower(): LoweredProgram {
    const { writer } = this.#graph;
    const { recorder, outputs } = this.#program;
    const inputs = [...recorder.inputs].map(([name, { index, dtype, shape }]) => {
      const output = writer.placeholder(`${this.#prefix}/${name}`, dtype, shape);
      this.#values.set(index, output);
      return output;
    });
    for (const [name, { index }] of recorder.variables) this.#variableNames.set(index, name);
    const plan = planOf(this.#program);
    for (const node of plan.constants) this.#constants.set(node.outputs[0]!.index, node);
    const wanted = [...outputs.values(), ...recorder.effects.flatMap(effectInputs)];
    const biased = biasedProducts(plan, new Set(wanted.map(({ index }) => index)));
    const made = new Set<RecordedNode>();
    for (const { node } of plan.steps) {
      const followed = biased.get(node);
      if (made.has(node)) continue;
      if (followed !== undefined && this.#applyBiased(followed))
        followed.followers.forEach((follower) => made.add(follower));
      else this.#apply(node);
    }
    const fetched = [...outputs].map(([name, tensor]) => {
      const T = attr.type(tensor.dtype);
      return writer.node('Identity', [this.#value(tensor)], { T }, { name: this.#origin(name) })[0]!;
    });
    return { inputs, outputs: fetched, effects: this.#effects(fetched) };
  }

  #origin(op: string): string {
    return `${this.#program.recorder.name}/${op}`;
  }

  #context(op: string, inputs: readonly Spec[], outputs: readonly Spec[], site?: CallSite): GraphContext {
    const { writer, settings } = this.#graph;
    return new GraphContext(writer, { origin: this.#origin(op), inputs, outputs, settings, site });
  }

  #apply({ op, inputs, outputs, attrs, site }: RecordedNode): void {
    const made = op.graph(
      this.#context(op.name, inputs, outputs, site),
      inputs.map((input) => this.#value(input)),
      attrs,
    );
    for (const [k, { index }] of outputs.entries()) this.#values.set(index, made[k]!);
  }

  // A bias that the program computes later than the product would have to wait.
  #applyBiased({ product, bias, relu, followers }: BiasedProduct): boolean {
    const { op, inputs, outputs, attrs, site } = product;
    const known = [this.#values, this.#constants, this.#variableNames].some((map) => map.has(bias.index));
    if (!known) return false;
    const g = this.#context(op.name, inputs, outputs, site);
    const values = inputs.map((input) => this.#value(input));
    const made = op.graphBiased!(g, values, attrs, { bias: this.#value(bias), relu });
    if (made === undefined) return false;
    const last = followers.at(-1)!.outputs[0]!;
    const reshaped = followers[0]!.op.name === 'reshape';
    this.#values.set(last.index, reshaped ? g.reshape(made, last.shape) : made);
    return true;
  }

  // Constants and reads of variables become nodes when something takes them.
  #value({ index }: Tensor): string {
    const constant = this.#constants.get(index);
    if (constant !== undefined && !this.#values.has(index)) this.#apply(constant);
    const variable = this.#variableNames.get(index);
    if (variable !== undefined && !this.#values.has(index)) this.#values.set(index, this.#read(variable));
    const value = this.#values.get(index);
    if (value === undefined) throw new InternalError(`value ${index} of '${this.#program.recorder.name}' has no node`);
    return value;
  }

  #read(variable: string): string {
    const { writer, variables } = this.#graph;
    return writer.read(variables.get(variable)!, { origin: this.#origin(variable) });
  }

  #effects(fetched: readonly string[]): string | undefined {
    const { writer, variables } = this.#graph;
    const { effects } = this.#program.recorder;
    if (effects.length === 0) return undefined;
    const decayed = effects.flatMap((effect) =>
      effect.kind === 'adam' && this.#constantNumber(effect.decay) !== 0 ? [this.#decayStep(effect)] : [],
    );
    const taken = effects.flatMap(effectInputs).filter(({ index }) => !this.#constants.has(index));
    const places = new Map(
      effects.flatMap((effect) => (effect.kind === 'slice' ? [[effect, this.#checkedPlace(effect)]] : [])),
    );
    const steps = decayed.map(({ step }) => step);
    const control = [...fetched, ...taken.map((tensor) => this.#value(tensor)), ...steps, ...places.values()];
    const ready = writer.effect('NoOp', [], {}, { name: this.#origin('ready'), control });
    const decays = new Map(
      decayed.map(({ variable, step }) => {
        const options = { name: this.#origin('decay'), control: [ready] };
        const inputs = [variables.get(variable)!, step];
        return [variable, writer.effect('AssignSubVariableOp', inputs, { dtype: attr.type('float32') }, options)];
      }),
    );
    const made = effects.map((effect) => {
      switch (effect.kind) {
        case 'assign':
          return writer.assign(variables.get(effect.variable)!, this.#value(effect.value), {
            name: this.#origin('assign'),
            origin: this.#origin('assign'),
            control: [ready],
          });
        case 'slice':
          return this.#slice(effect, places.get(effect)!, ready);
        case 'adam':
          return this.#adam(effect, decays.get(effect.variable) ?? ready);
      }
    });
    return writer.group(made, { name: this.#origin('effects') });
  }

  #decayStep({ variable, decay }: Adam): { variable: string; step: string } {
    const g = this.#context('adam', [], []);
    return { variable, step: g.float('Mul', this.#read(variable), this.#value(decay)) };
  }

  // A place that does not fit has to be found before anything is changed.
  #checkedPlace({ variable, value, at, axis }: Slice): string {
    const length = this.#program.recorder.variables.get(variable)!.shape[axis]!;
    return checkedPlace(this.#context('assignSlice', [], []), this.#value(at), length - value.shape[axis]! + 1);
  }

  #slice({ variable, value, axis }: Slice, begin: string, after: string): string {
    const { writer, variables } = this.#graph;
    const g = this.#context('assignSlice', [], []);
    const name = this.#origin('assignSlice');
    const options = { name, origin: name, control: [after] };
    const handle = variables.get(variable)!;
    if (g.ownKernels && value.dtype === 'float32') {
      return writer.effect('TesseraAssignSlice', [handle, this.#value(value), begin, g.int(axis)], {}, options);
    }
    const int = { T: attr.type('int32') };
    const end = g.node('AddV2', [begin, g.int(value.shape[axis]!)], int);
    const bounds = (place: string) =>
      g.node(
        'Pack',
        value.shape.map((_, i) => (i === axis ? place : g.int(0))),
        {
          ...int,
          N: attr.int(value.rank),
          axis: attr.int(0),
        },
      );
    const whole = value.shape.reduce((mask, _, i) => (i === axis ? mask : mask | (1 << i)), 0);
    const attributes = {
      T: attr.type(value.dtype),
      Index: attr.type('int32'),
      begin_mask: attr.int(whole),
      end_mask: attr.int(whole),
      ellipsis_mask: attr.int(0),
      new_axis_mask: attr.int(0),
      shrink_axis_mask: attr.int(0),
    };
    const strides = g.ints(value.shape.map(() => 1));
    const inputs = [handle, bounds(begin), bounds(end), strides, this.#value(value)];
    return writer.effect('ResourceStridedSliceAssign', inputs, attributes, options);
  }

  // TensorFlow's op does x <- x - lr sqrt(1 - beta2_power) / (1 - beta1_power) m / (sqrt(v) + epsilon). With both powers 0, lr = rate sqrt(correction) and
  // epsilon = e sqrt(correction) that is rate m / (sqrt(v / correction) + e), without the rounding of 1 - (1 - correction).
  #adam(effect: Adam, after: string): string {
    const { writer, variables } = this.#graph;
    const g = this.#context('adam', [], []);
    const { rate, correction, beta1, beta2, epsilon } = effect;
    const once = (key: string, make: () => string) => {
      const known = this.#shared.get(key) ?? make();
      this.#shared.set(key, known);
      return known;
    };
    const root = once(`root ${correction.index}`, () => g.float('Sqrt', this.#value(correction)));
    const lr = once(`lr ${rate.index} ${correction.index}`, () => g.float('Mul', this.#value(rate), root));
    const e = once(`epsilon ${epsilon} ${correction.index}`, () => g.float('Mul', g.scalar(epsilon), root));
    const unscaled = this.#value(effect.gradient);
    const gradient =
      this.#constantNumber(effect.scale) === 1 ? unscaled : g.float('Mul', unscaled, this.#value(effect.scale));
    const handles = [effect.variable, effect.firstMoment, effect.secondMoment].map((name) => variables.get(name)!);
    const numbers = [g.scalar(0), g.scalar(0), lr, g.scalar(beta1), g.scalar(beta2), e];
    const attributes = {
      T: attr.type('float32'),
      use_locking: attr.bool(false),
      use_nesterov: attr.bool(false),
    };
    const options = { name: this.#origin('adam'), control: [after] };
    return writer.effect('ResourceApplyAdam', [...handles, ...numbers, gradient], attributes, options);
  }

  // The value of a scalar that is known now.
  #constantNumber({ index }: Tensor): number | undefined {
    const node = this.#constants.get(index);
    if (node === undefined || node.op.name !== constantOp.name) return undefined;
    const { array } = node.attrs as { array: { data: ArrayLike<number> } };
    return array.data.length === 1 ? array.data[0] : undefined;
  }
}
