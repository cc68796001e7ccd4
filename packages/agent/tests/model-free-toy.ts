// Agents without a model that learn the toss of a coin in a moment, and what they are made of.
import type { Engine } from '@tessera/engine';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import type { ShardStore } from '@tessera/rollouts';
import { onTestFinished } from 'vitest';
import { Dqn, dqnLearner, ModelFreeTrainer, Ppo, ppoLearner } from '../src/index.ts';
import type { DqnOptions, ModelFreeState, PpoOptions } from '../src/index.ts';
import { coin, coinActions } from './coin-env.ts';
import type { CoinKwargs } from './coin-env.ts';

const network = { convolutions: [{ channels: 8, kernel: 2, stride: 2 }], hidden: 16 };
const made = { frameShape: [4, 4, 1], actions: coinActions };

/** A small PPO that is disposed of when the test ends. */
export function ppoOn(engine: Engine, options: PpoOptions = {}, seed = 0): Ppo {
  const ppo = new Ppo(
    engine,
    { network, minibatch: 16, epochs: 3, learningRate: 1e-2, gamma: 0.5, ...options },
    { ...made, seed },
  );
  onTestFinished(() => ppo.dispose());
  return ppo;
}

/** A small DQN that is disposed of when the test ends. */
export function dqnOn(engine: Engine, options: DqnOptions = {}, seed = 0): Dqn {
  const small = { network, batchSize: 16, targetUpdates: 10, firstSteps: 32, learningRate: 1e-2, gamma: 0.5 };
  const dqn = new Dqn(engine, { ...small, ...options }, { ...made, seed });
  onTestFinished(() => dqn.dispose());
  return dqn;
}

export interface ModelFreeRun {
  readonly agent: Ppo | Dqn;
  readonly trainer: ModelFreeTrainer;
  readonly store: ShardStore;
}

/** A run of an agent on tossed coins, from its beginning or from a state and the shards that were there. */
export async function runOf(
  agent: Ppo | Dqn,
  { steps, env = {}, seed = 0 }: { readonly steps: number; readonly env?: CoinKwargs; readonly seed?: number },
  from?: { readonly state: ModelFreeState; readonly store: ShardStore },
): Promise<ModelFreeRun> {
  const [numEnvs, roundSteps] = [4, 8];
  const rollouts = await VectorRollouts.create({ env: coin(env), numEnvs, seed });
  onTestFinished(() => rollouts.close());
  const store = from?.store ?? memoryShards();
  const sizes = { maxBytes: 2 ** 24 };
  const replay =
    from === undefined || from.state.meta.replay === null
      ? await Replay.create(from === undefined ? store : memoryShards(), sizes)
      : await Replay.resume(store, from.state.meta.replay, sizes);
  const learner = agent instanceof Dqn ? dqnLearner(agent, replay) : ppoLearner(agent);
  const trainer = new ModelFreeTrainer({ learner, rollouts, numEnvs, roundSteps, steps, seed });
  if (from !== undefined) trainer.loadState(from.state);
  return { agent, trainer, store };
}
