// Units of the ablations, made up.
import type { AgentUnit } from '../../src/agent-study/unit.ts';
import { variants } from '../../src/agent-study/variants.ts';

const scores = (returns: readonly number[]) => ({
  meanReturn: returns.reduce((sum, value) => sum + value, 0) / returns.length,
  standardError: 0.1,
  meanLength: 50,
  truncated: 0,
  returns,
});

/** A run of a variant; its episodes drawn have `returns`, the greedy ones twice as much. */
export function agentUnit(
  name: string,
  seed: number,
  {
    returns = [1, 2, 3, 10],
    imaginationSince = 3072,
    imaginedSteps = 8192,
  }: { returns?: number[]; imaginationSince?: number | null; imaginedSteps?: number } = {},
): AgentUnit {
  const { group, against = 'default' } = variants.find((variant) => variant.name === name)!;
  const phase = (seconds: number, flops: number) => ({ seconds, flops, gflops: flops / seconds / 1e9 });
  return {
    variant: name,
    group,
    against,
    seed,
    run: 'breakout',
    command: `tessera train breakout --seed ${seed}`,
    drawn: scores(returns),
    greedy: scores(returns.map((value) => 2 * value)),
    baselines: { random: scores([0, 1]) },
    result: {
      steps: 2048,
      wallSeconds: 30,
      backend: 'wasm',
      commit: 'abc',
      machine: '2 cores',
      worldModel: {
        changedTokens: 0.951,
        openLoop: {
          windows: 4,
          horizon: 10,
          tokens: 0.9,
          changedTokens: 0.5,
          lastRealFrame: 0.8,
          tokensByStep: [],
          changedTokensByStep: [],
        },
        imaginationSince,
        imaginedSteps,
      },
      tokenizer: undefined,
      phases: { worldModel: phase(10, 2e12), imagination: phase(5, 1e12), evaluation: phase(100, 9e12) },
    },
  };
}
