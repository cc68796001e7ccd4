// Settings of agents with a name.
import { vqvaePresets } from '@tessera/vqvae';
import type { VqvaeOptions } from '@tessera/vqvae';
import type { WorldModelOptions } from './world-model/config.ts';

/** Names of the presets. */
export type AgentPreset = 'iris';

/** What a preset sets. */
export interface AgentPresetOptions {
  readonly tokenizer: VqvaeOptions;
  readonly worldModel: WorldModelOptions;
}

/** Settings by name, to be spread into settings of your own. */
export const agentPresets: Readonly<Record<AgentPreset, AgentPresetOptions>> = {
  /**
   * IRIS (arXiv 2209.00588, appendix A), for its shapes and not for training on a CPU. 20 frames of 4 x 4 tokens, of which the
   * last is predicted from 19. Its policy is `initRecurrentActorCritic`. Without dropout, and with what `causal.ts` and `vqvaePresets.iris` say.
   */
  iris: {
    tokenizer: vqvaePresets.iris,
    worldModel: {
      kind: 'causal',
      context: 19,
      width: 256,
      layers: 10,
      heads: 4,
      expansion: 4,
      temperature: 1,
      tokenWeight: 1,
      batchSize: 64,
      learningRate: 1e-4,
      endLearningRate: 1,
      warmupUpdates: 0,
      weightDecay: 0.01,
      clipNorm: 10,
    },
  },
};
