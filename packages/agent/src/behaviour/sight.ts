// What a policy sees of states, as the arrays that its programs take: one row a state, in whichever form its input asks for.
import { ConfigError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { f32, i32 } from '@tessera/engine';
import type { Spec } from '@tessera/engine';
import { toBytes, toUnit } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import type { PolicyInput } from './config.ts';
import type { BehaviourSpec } from './networks.ts';

/** States as a caller has them. */
export interface States {
  /** int32 [batch, tokens]. */
  readonly tokens: NdArray<'int32'>;
  /** float32 [batch, hiddenSize]: what the world model had in mind before each; with the input `state`, and with no other. */
  readonly hiddenState?: NdArray<'float32'> | undefined;
}

/** The same by the names of a program's inputs, each [batch, ...]; frames are bytes until a program takes them. */
export type Sight = Readonly<Partial<Record<'tokens' | 'hiddenState' | 'frames', NdArray>>>;

/** What sees. */
export interface Seeing {
  readonly input: PolicyInput;
  readonly spec: BehaviourSpec;
  /** From codes to frames; with the input `frames`. */
  readonly decode?: Tokenizer['decode'] | undefined;
  readonly tokenShape: readonly number[];
}

/** The inputs of a program for so many rows. */
export function sightSpecs({ input, spec }: Seeing, rows: number): Readonly<Record<string, Spec>> {
  if (input === 'frames') return { frames: f32(rows, ...spec.frameShape) };
  const tokens = i32(rows, spec.tokens);
  return input === 'state' ? { tokens, hiddenState: f32(rows, spec.hiddenSize) } : { tokens };
}

/** What is seen of states. Throws ShapeError and ConfigError for states that are not what the input asks for. */
export function sightOf(where: string, { tokens, hiddenState }: States, seeing: Seeing): Sight {
  const { input, spec, decode, tokenShape } = seeing;
  if (tokens.shape.length !== 2 || tokens.shape[1] !== spec.tokens) {
    throw new ShapeError(
      `${where}: expected tokens of shape [batch, ${spec.tokens}], got [${tokens.shape.join(', ')}].`,
    );
  }
  const [rows] = tokens.shape as [number, number];
  if (input !== 'state') {
    if (hiddenState !== undefined) {
      throw new ConfigError(
        `${where}: expected no hidden state with the input '${input}', got one. Leave it out, or set behaviour.input to 'state'.`,
      );
    }
    if (input === 'codes') return { tokens };
    // Bytes take a quarter of the memory, and acting and learning see the same ones.
    return { frames: toBytes(decode!({ dtype: 'int32', shape: [rows, ...tokenShape], data: tokens.data })) };
  }
  if (hiddenState === undefined) {
    throw new ConfigError(
      `${where}: expected the world model's hidden state before each frame, as the input 'state' asks for, got none. Agent.player() remembers it.`,
    );
  }
  if (String(hiddenState.shape) !== String([rows, spec.hiddenSize])) {
    throw new ShapeError(
      `${where}: expected hidden states of shape [${rows}, ${spec.hiddenSize}], got [${hiddenState.shape.join(', ')}].`,
    );
  }
  return { tokens, hiddenState };
}

/** All rows as programs take them. */
export function wholeSight(sight: Sight): Readonly<Record<string, NdArray>> {
  const { frames, ...rest } = sight;
  return frames === undefined ? rest : { frames: toUnit(frames as NdArray<'uint8'>) };
}

/** The rows `chosen` as programs take them, padded to `size` rows with zeros. */
export function sightRows(sight: Sight, chosen: readonly number[], size: number): Readonly<Record<string, NdArray>> {
  const picked = Object.entries(sight).map(([name, { dtype, shape, data }]): [string, NdArray] => {
    const width = data.length / shape[0]!;
    const out = ndarray(dtype as 'int32' | 'float32' | 'uint8', [size, ...shape.slice(1)]);
    for (const [i, row] of chosen.entries()) {
      (out.data as Int32Array).set(data.subarray(row * width, (row + 1) * width) as Int32Array, i * width);
    }
    return [name, out];
  });
  return wholeSight(Object.fromEntries(picked));
}
