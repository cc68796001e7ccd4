// Whole training runs that take a fraction of a second: a walk of a few steps, tiny networks, and yet every kind of work.
import type { Engine } from '@tessera/engine';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import type { ShardStore } from '@tessera/rollouts';
import type { QuantizerConfig, Tokenizer } from '@tessera/vqvae';
import { onTestFinished } from 'vitest';
import { AgentTrainer, playRound } from '../src/index.ts';
import type {
  Agent,
  BehaviourOptions,
  RoundCollector,
  TrainerEvent,
  TrainerState,
  TrainingOptions,
  WorldModelOptions,
} from '../src/index.ts';
import { playerOn } from './fixtures/walk-player.ts';
import type { WalkPlayerOptions } from './fixtures/walk-player.ts';
import { tokenizerOf } from './tokenizers.ts';
import type { TokenizerKind } from './tokenizers.ts';
import { agentOn } from './toy.ts';
import { walk } from './walk-env.ts';
import type { WalkKwargs } from './walk-env.ts';

export interface RunOptions {
  readonly tokenizer?: TokenizerKind;
  /** Settings of the VQ-VAE's quantizer; a codebook of eight codes by default. */
  readonly quantizer?: Partial<QuantizerConfig>;
  readonly training?: TrainingOptions;
  readonly worldModel?: WorldModelOptions;
  readonly behaviour?: BehaviourOptions;
  readonly env?: WalkKwargs;
  readonly steps?: number;
  readonly seed?: number;
  /** Who plays where `training.collection` is 'meanwhile'; by default somebody in this thread. */
  readonly collector?: (engine: Engine, player: WalkPlayerOptions) => RoundCollector | Promise<RoundCollector>;
}

export interface Run {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly agent: Agent;
  readonly rollouts: VectorRollouts;
  readonly store: ShardStore;
  readonly replay: Replay;
  readonly trainer: AgentTrainer;
}

/** Three rounds of 16 steps and one of 8; the replay holds about two. */
export const smallTraining: TrainingOptions = {
  numEnvs: 2,
  roundSteps: 8,
  replayBytes: 4000,
  tokenizer: { firstUpdates: 3, updates: 2, untilSteps: 32, batchSize: 4, seedFrames: 12, warmupUpdates: 1 },
  worldModel: { firstUpdates: 3, updates: 2 },
  imagination: { updates: 2, starts: 4, horizon: 3, explore: 2, startAccuracy: 0 },
  measureSteps: 8,
};

/** A run at its beginning, or, given a state and the shards of another one, where that one was. */
export async function runOn(
  engine: Engine,
  {
    tokenizer: kind = 'pixels',
    quantizer,
    training = {},
    worldModel = {},
    behaviour = {},
    env = {},
    steps = 56,
    seed = 0,
    collector: collectorOf = collectorHere,
  }: RunOptions,
  from?: { readonly state: TrainerState; readonly store: ShardStore },
): Promise<Run> {
  const config: TrainingOptions = {
    ...smallTraining,
    ...training,
    tokenizer: { ...smallTraining.tokenizer, ...training.tokenizer },
    worldModel: { ...smallTraining.worldModel, ...training.worldModel },
    imagination: { ...smallTraining.imagination, ...training.imagination },
  };
  const tokenizer = tokenizerOf(engine, { kind, seed, quantizer });
  onTestFinished(() => tokenizer.dispose());
  const rollouts = await VectorRollouts.create({ env: walk(env), numEnvs: 2, seed });
  onTestFinished(() => rollouts.close());
  const agent = agentOn(engine, {
    tokenizer,
    actions: rollouts.actions,
    worldModel: { context: 2, batchSize: 4, ...worldModel },
    behaviour: { epochs: 2, realBatch: 8, imaginedBatch: 8, ...behaviour },
    seed,
  });
  const store = from?.store ?? memoryShards();
  const sizes = { maxBytes: config.replayBytes! };
  const replay =
    from === undefined ? await Replay.create(store, sizes) : await Replay.resume(store, from.state.meta.replay, sizes);
  const collector =
    config.collection === 'meanwhile'
      ? await collectorOf(engine, { kind, quantizer, seed, agent: agent.config, env })
      : undefined;
  const trainer = new AgentTrainer({ agent, rollouts, collector, replay, steps, seed, training: config });
  if (from !== undefined) trainer.loadState(from.state);
  return { engine, tokenizer, agent, rollouts, store, replay, trainer };
}

/** Plays each round when it is asked for, between the learner's items. */
export async function collectorHere(engine: Engine, options: WalkPlayerOptions): Promise<RoundCollector> {
  const player = await playerOn(engine, options);
  onTestFinished(() => player.dispose());
  return { play: (order) => playRound(player, order) };
}

/** Works to the end. */
export async function finish({ trainer }: Run): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = [];
  for await (const event of trainer.items()) events.push(event);
  return events;
}

/** A state as a file gives it back, without what depends on the speed of the machine. */
export function saved({ trainer }: Run): TrainerState {
  const { tensors, meta } = trainer.state();
  return { tensors, meta: JSON.parse(JSON.stringify({ ...meta, phases: {} })) as TrainerState['meta'] };
}

/** All shards of a store, the later ones too, in a store of their own. */
export async function copyOf(store: ShardStore): Promise<ShardStore> {
  const copy = memoryShards();
  for (const shard of await store.list()) await copy.write(shard, (await store.read(shard)).slice());
  return copy;
}
