// An agent: tokenizer, world model and behaviour that fit one another, acting on frames.
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import type { ActionRange } from '@tessera/rollouts';
import type { Tokenizer } from '@tessera/vqvae';
import { AgentPlayer } from './agent-player.ts';
import type { PlayerOptions } from './agent-player.ts';
import { Behaviour } from './behaviour/behaviour.ts';
import type { BehaviourConfig, BehaviourOptions } from './behaviour/config.ts';
import { DreamVectorEnv } from './dream-vector-env.ts';
import type { DreamEnvOptions } from './dream-vector-env.ts';
import { codeFeatures } from './preprocess.ts';
import type { WorldModelConfig, WorldModelOptions } from './world-model/config.ts';
import { WorldModel } from './world-model/world-model.ts';

/** What an agent is made of. */
export interface AgentOptions {
  readonly tokenizer: Tokenizer;
  /** The environment's actions: `count` of them, numbered from `first`. */
  readonly actions: ActionRange;
  readonly worldModel?: WorldModelOptions;
  readonly behaviour?: BehaviourOptions;
  /** Seed of the starting values; default 0. */
  readonly seed?: number;
}

/** Settings of an agent's two networks, defaults filled in. */
export interface AgentConfig {
  readonly worldModel: WorldModelConfig;
  readonly behaviour: BehaviourConfig;
}

/** What an agent does and thinks of it. */
export interface Decision {
  /** As the environment takes them. */
  readonly actions: Int32Array;
  /** Natural logarithm of the probability of each action. */
  readonly logProbabilities: Float32Array;
  /** float32 [batch, actions]: how likely every action is, the first one first. */
  readonly probabilities: NdArray<'float32'>;
  /** Expected discounted return from each state, in signs of rewards. */
  readonly values: Float32Array;
}

/** Tokenizer, world model and behaviour. It owns the two networks; the tokenizer belongs to whoever made it. */
export class Agent {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly worldModel: WorldModel;
  readonly behaviour: Behaviour;
  readonly actions: ActionRange;

  /** Throws ConfigError for settings that make no agent. */
  constructor(engine: Engine, { tokenizer, actions, worldModel = {}, behaviour = {}, seed = 0 }: AgentOptions) {
    const parts = { tokenizer: tokenizer.spec, actionCount: actions.count, seed };
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.actions = actions;
    this.worldModel = new WorldModel(engine, worldModel, parts);
    try {
      this.behaviour = new Behaviour(engine, behaviour, {
        ...parts,
        decode: (tokens) => tokenizer.decode(tokens),
        hiddenSize: this.worldModel.hiddenSize,
      });
    } catch (error) {
      this.worldModel.dispose();
      throw error;
    }
    try {
      this.refreshCodes();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Settings of both networks. */
  get config(): AgentConfig {
    return { worldModel: this.worldModel.config, behaviour: this.behaviour.config };
  }

  /** Tells both networks what the tokenizer's codes look like now; to be called when the tokenizer has changed. */
  refreshCodes(): void {
    const codes = codeFeatures(this.tokenizer);
    this.worldModel.setCodes(codes);
    this.behaviour.setCodes(codes);
  }

  /**
   * Actions for frames as environments give them, uint8 [batch, height, width, channels]: drawn from the policy with `generator`, or with `greedy` the most
   * likely ones. It is for policies that see the present frame alone; throws ConfigError for one with the input `state`, whose memory a `player` keeps.
   */
  act(frames: NdArray<'uint8'>, options: PlayerOptions): Decision {
    if (this.behaviour.config.input === 'state') {
      throw new ConfigError(
        "Agent.act: this policy sees what was before a frame too (input 'state'). Make a player with agent.player({ generator }) and let that act, frame after frame.",
      );
    }
    return this.player(options).act(frames);
  }

  /** Someone who plays with this policy in one or more environments and remembers what the policy needs of each. */
  player(options: PlayerOptions): AgentPlayer {
    return new AgentPlayer(this, options);
  }

  /**
   * The world model as an environment: `batch` dreams side by side, of which each begins at what `start` gives. What any policy can play in the game it can play
   * in the dream. Throws ConfigError for a `batch` or `horizon` that is no whole number > 0.
   */
  asEnv(options: DreamEnvOptions): DreamVectorEnv {
    return new DreamVectorEnv(this, options);
  }

  /** Frees both networks; the tokenizer stays. */
  dispose(): void {
    this.worldModel.dispose();
    this.behaviour.dispose();
  }
}
