// Small engines, tokenizers, an environment and helpers that the tests share.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { createEngine } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import type { TokenizerSpec } from '@tessera/vqvae';
import { onTestFinished } from 'vitest';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { walkActions } from './walk-env.ts';
import { Agent, Behaviour, WorldModel } from '../src/index.ts';
import type {
  AgentOptions,
  BehaviourCreateOptions,
  BehaviourOptions,
  Transitions,
  WorldModelOptions,
} from '../src/index.ts';

export const cpu: Engine = await createEngine({ backend: 'cpu' });
export const wasm: Engine = await createEngine({ backend: 'wasm' });

/** Engines by name. */
export const engines: readonly (readonly [string, Engine])[] = [
  ['cpu', cpu],
  ['wasm', wasm],
];

/** Networks whose updates take about a millisecond. */
export const smallWorldModel: WorldModelOptions = {
  context: 1,
  width: 8,
  layers: 1,
  heads: 2,
  expansion: 2,
  stem: 4,
  batchSize: 16,
  warmupUpdates: 0,
};
export const smallBehaviour: BehaviourOptions = {
  embedding: 4,
  stem: 0,
  hidden: 8,
  layers: 2,
  endEntropy: null,
  realBatch: 16,
  imaginedBatch: 16,
};

/** The sizes of a tokenizer of so many tokens. */
export function specOf(tokenShape: readonly number[], vocabulary: number, codeDim = 2): TokenizerSpec {
  return { frameShape: [4, 4, 1], tokenShape, vocabulary, codeDim };
}

/** A behaviour that is disposed of when the test ends. */
export function behaviourOn(
  engine: Engine,
  options: BehaviourOptions = {},
  { tokenizer = specOf([2], 4), actionCount = 3, ...rest }: Partial<BehaviourCreateOptions> = {},
): Behaviour {
  const behaviour = new Behaviour(engine, { ...smallBehaviour, ...options }, { tokenizer, actionCount, ...rest });
  behaviour.setCodes(codesOf(tokenizer));
  onTestFinished(() => behaviour.dispose());
  return behaviour;
}

/** A world model that is disposed of when the test ends. */
export function worldModelOn(
  engine: Engine,
  options: WorldModelOptions = {},
  {
    tokenizer = specOf([2, 2], 4),
    actionCount = 3,
    seed = 0,
  }: { tokenizer?: TokenizerSpec; actionCount?: number; seed?: number } = {},
): WorldModel {
  const worldModel = new WorldModel(engine, { ...smallWorldModel, ...options }, { tokenizer, actionCount, seed });
  worldModel.setCodes(codesOf(tokenizer));
  onTestFinished(() => worldModel.dispose());
  return worldModel;
}

/** An agent that is disposed of when the test ends. */
export function agentOn(engine: Engine, options: Partial<AgentOptions> = {}): Agent {
  const agent = new Agent(engine, {
    tokenizer: new PixelTokenizer(),
    actions: walkActions,
    ...options,
    worldModel: { ...smallWorldModel, ...options.worldModel },
    behaviour: { ...smallBehaviour, ...options.behaviour },
  });
  onTestFinished(() => agent.dispose());
  return agent;
}

/** Codes of a seed. */
export function codesOf({ vocabulary, codeDim }: TokenizerSpec, seed = 7): NdArray<'float32'> {
  return floats([vocabulary, codeDim], seed);
}

/** Normal numbers of a seed. */
export function floats(shape: readonly number[], seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
  return array;
}

/** Whole numbers in [0, below) of a seed. */
export function integers(shape: readonly number[], below: number, seed: number): NdArray<'int32'> {
  const generator = npRandom(seed);
  const array = ndarray('int32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.integers(below);
  return array;
}

/** Random transitions of the right shapes. */
export function transitionsOf(worldModel: WorldModel, rows: number, seed: number): Transitions {
  const { config, spec } = worldModel;
  const width = spec.grid[0] * spec.grid[1];
  return {
    tokens: integers([rows, config.context, width], spec.vocabulary, seed),
    actions: integers([rows, config.context], spec.actionCount, seed + 1),
    nextTokens: integers([rows, width], spec.vocabulary, seed + 2),
    rewards: ndarray(
      'float32',
      [rows],
      Float32Array.from(integers([rows], 3, seed + 3).data, (x) => x - 1),
    ),
    terminated: ndarray('uint8', [rows], Uint8Array.from(integers([rows], 2, seed + 4).data)),
  };
}

/** The name and message of what `work` throws. */
export async function errorOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'no error';
}

/** An empty folder, removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-agent-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
