// Holds the result of `npm start` against what the README promises: the agent plays, and its world model knows what changes.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [root] = process.argv.slice(2);
const [run] = readdirSync(root);
const result = JSON.parse(readFileSync(join(root, run, 'result.json'), 'utf8'));
const { backend, wallSeconds, steps, evaluation, baselines, worldModel, tokenizer, phases } = result;
const flops = Object.values(phases).reduce((sum, phase) => sum + phase.flops, 0);
const checks = {
  'mean return >= 0.9 over 200 episodes': evaluation.meanReturn >= 0.9 && evaluation.episodes === 200,
  'at most 20,000 steps': steps <= 20_000,
  'changed-token accuracy > 0.9': worldModel.changedTokens > 0.9,
  'baselines: random, no-op, best trivial policy': ['random', 'no-op', 'under the ball'].every(
    (name) => name in baselines,
  ),
  'ball recall >= 0.97': tokenizer.ballRecall >= 0.97,
  'at most 3 TFLOP': flops <= 3e12,
  'at most 6 minutes': wallSeconds <= 360,
  'media/dream.gif': existsSync(join(root, run, 'media', 'dream.gif')),
};
const { meanReturn } = evaluation;
console.log(JSON.stringify({ backend, wallSeconds, steps, meanReturn, worldModel, tokenizer, flops }));
for (const [check, holds] of Object.entries(checks)) if (!holds) console.log(`npm start: not true: ${check}`);
process.exitCode = Object.values(checks).every(Boolean) ? 0 : 1;
