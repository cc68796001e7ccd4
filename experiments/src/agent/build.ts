// From settings to the parts of a run: engine, tokenizer, agent.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Agent } from '@tessera/agent';
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import { VectorRollouts } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { createTokenizer } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import { engineChoice } from '../engine-choice.ts';
import { frameShapeOf } from '../environment.ts';
import type { AgentExperimentConfig } from './config.ts';

/** What a module of one's own is given to make a tokenizer. */
export interface TokenizerRequest {
  readonly engine: Engine;
  /** [height, width, channels] */
  readonly frameShape: readonly [number, number, number];
  readonly seed: number;
}

/** What an agent is built for. */
export interface BuildOptions {
  readonly config: AgentExperimentConfig;
  readonly frameShape: readonly [number, number, number];
  readonly actions: Agent['actions'];
  readonly seed: number;
}

/** What decides the parts of a run. Plain data. */
export interface PartsRequest {
  readonly config: AgentExperimentConfig;
  readonly env: EnvConfig;
  readonly seed: number;
  /** The name of a back end; undefined leaves the choice to the engine. */
  readonly backend: string | undefined;
}

/** Engine, environments and agent of a run, at their start. */
export interface Parts {
  readonly engine: Engine;
  readonly rollouts: VectorRollouts;
  readonly agent: Agent;
  /** Takes all of it away. */
  dispose(): void;
}

/** Makes the parts of a run. Throws what making one of them throws, with the others taken away. */
export async function createParts({ config, env, seed, backend }: PartsRequest): Promise<Parts> {
  const frameShape = await frameShapeOf(env);
  const engine = await createEngine(engineChoice(backend, config));
  let rollouts: VectorRollouts | undefined;
  try {
    rollouts = await VectorRollouts.create({ env, numEnvs: config.training.numEnvs, seed });
    const agent = await buildAgent(engine, { config, frameShape, actions: rollouts.actions, seed });
    const made = { engine, agent, rollouts };
    return {
      ...made,
      dispose: () => {
        made.agent.dispose();
        made.agent.tokenizer.dispose();
        made.rollouts.close();
        made.engine.dispose();
      },
    };
  } catch (error) {
    rollouts?.close();
    engine.dispose();
    throw error;
  }
}

/** An agent at its start, with the tokenizer that the settings ask for. Throws ConfigError for a module that makes none. */
export async function buildAgent(engine: Engine, { config, frameShape, actions, seed }: BuildOptions): Promise<Agent> {
  const tokenizer = await buildTokenizer(engine, { config, frameShape, seed });
  try {
    const { worldModel, behaviour } = config;
    return new Agent(engine, { tokenizer, actions, worldModel, behaviour, seed });
  } catch (error) {
    tokenizer.dispose();
    throw error;
  }
}

/** The tokenizer that the settings ask for, at its start. Throws ConfigError for a module that makes none. */
export async function buildTokenizer(
  engine: Engine,
  { config, frameShape, seed }: Omit<BuildOptions, 'actions'>,
): Promise<Tokenizer> {
  const { module: name, ...choice } = config.tokenizer;
  if (name === '') return createTokenizer(engine, choice, { frameShape, seed });
  const address = /^\.{0,2}\//.test(name) ? pathToFileURL(resolve(name)).href : name;
  let made: unknown;
  try {
    const loaded = (await import(/* @vite-ignore */ address)) as {
      createTokenizer?: (request: TokenizerRequest) => unknown;
    };
    made = await loaded.createTokenizer?.({ engine, frameShape, seed });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`tokenizer.module: '${name}' makes no tokenizer: ${why}`, { cause });
  }
  return checkTokenizer(made, name, frameShape);
}

function checkTokenizer(made: unknown, name: string, frameShape: readonly number[]): Tokenizer {
  const tokenizer = made as Partial<Tokenizer> | null | undefined;
  const functions = ['encode', 'embed', 'decode', 'dispose'] as const;
  const missing = functions.find((key) => typeof tokenizer?.[key] !== 'function');
  if (missing !== undefined || tokenizer?.spec === undefined) {
    throw new ConfigError(
      `tokenizer.module: '${name}' has to export createTokenizer({ engine, frameShape, seed }), which returns a Tokenizer; what it returned has no ${missing ?? 'spec'}.`,
    );
  }
  if (String(tokenizer.spec.frameShape) !== String(frameShape)) {
    throw new ConfigError(
      `tokenizer.module: '${name}' made a tokenizer of ${tokenizer.spec.frameShape.join('x')} frames, the environment's are ${frameShape.join('x')}.`,
    );
  }
  checkSizes(tokenizer as Tokenizer, name);
  return tokenizer as Tokenizer;
}

/** A black frame there and back: sizes that are not those of the spec would be errors far away from who made them. */
function checkSizes(tokenizer: Tokenizer, name: string): void {
  const { frameShape, tokenShape, vocabulary, codeDim } = tokenizer.spec;
  const check = (what: string, array: NdArray | undefined, shape: readonly number[]): void => {
    if (String(array?.shape) === String(shape)) return;
    throw new ConfigError(
      `tokenizer.module: '${name}': expected ${what} to return [${shape.join(', ')}], as its spec says, got ${array?.shape === undefined ? 'no array' : `[${array.shape.join(', ')}]`}.`,
    );
  };
  const tokens = tokenizer.encode(ndarray('float32', [1, ...frameShape]));
  check('encode', tokens, [1, ...tokenShape]);
  const stray = tokens.data.find((code) => !(code >= 0 && code < vocabulary));
  if (stray !== undefined) {
    throw new ConfigError(
      `tokenizer.module: '${name}': expected codes from 0 to ${vocabulary - 1}, as its spec says, got ${stray}. The world model knows no others.`,
    );
  }
  check('embed', tokenizer.embed(tokens), [1, ...tokenShape, codeDim]);
  check('decode', tokenizer.decode(tokens), [1, ...frameShape]);
}
