// The plan of a record: which ops are needed for its outputs and effects, and after which op each value is no longer used.
import type { RecordedNode, Recorder } from '../record/recorder.ts';
import { effectInputs } from '../record/recorder.ts';
import { constantOp } from '../ops/constant.ts';
import type { ProgramRecord } from './store.ts';

/** One op and the values that are dead after it. */
export interface PlannedStep {
  readonly node: RecordedNode;
  readonly free: readonly number[];
}

/** The order of work of a program. */
export interface Plan {
  readonly constants: readonly RecordedNode[];
  readonly steps: readonly PlannedStep[];
  /** Inputs that no op uses and that leave as soon as they come. */
  readonly unusedInputs: readonly number[];
}

/** Drops what nothing needs and finds the last use of every value that is not a constant, a variable or a result. */
export function planOf({ recorder, outputs }: ProgramRecord): Plan {
  const results = new Set<number>();
  for (const { index } of outputs.values()) results.add(index);
  for (const effect of recorder.effects) for (const { index } of effectInputs(effect)) results.add(index);
  const nodes = neededNodes(recorder, results);
  const constants = nodes.filter(({ op }) => op.name === constantOp.name);
  const work = nodes.filter(({ op }) => op.name !== constantOp.name);
  const kept = new Set(results);
  for (const { outputs: values } of constants) for (const { index } of values) kept.add(index);
  for (const { index } of recorder.variables.values()) kept.add(index);
  const lastUse = new Map<number, number>();
  for (const [i, { inputs, outputs: made }] of work.entries()) {
    for (const { index } of made) lastUse.set(index, i);
    for (const { index } of inputs) lastUse.set(index, i);
  }
  const free: number[][] = work.map(() => []);
  for (const [index, step] of lastUse) if (!kept.has(index)) free[step]!.push(index);
  const unusedInputs = [...recorder.inputs.values()]
    .map(({ index }) => index)
    .filter((index) => !lastUse.has(index) && !results.has(index));
  return { constants, steps: work.map((node, i) => ({ node, free: free[i]! })), unusedInputs };
}

function neededNodes({ nodes }: Recorder, results: ReadonlySet<number>): RecordedNode[] {
  const wanted = new Set(results);
  const needed: RecordedNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (!node.outputs.some(({ index }) => wanted.has(index))) continue;
    for (const { index } of node.inputs) wanted.add(index);
    needed.push(node);
  }
  return needed.toReversed();
}

/** Floating-point operations of one run. */
export function planFlops({ steps }: Plan): number {
  return steps.reduce(
    (total, { node: { op, inputs, outputs, attrs } }) => total + (op.flops?.(inputs, outputs, attrs) ?? 0),
    0,
  );
}
