// Makes the files of experiments/results anew: all seeds of a task and of its baselines, one run after the other, then `tessera results`.
//
//   node experiments/scripts/make-results.mjs breakout-40k [--jobs 2] [--runs runs/results] [--overwrite]
//
// Runs that have ended are kept, those that were stopped go on; so it may be interrupted and started again.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const tessera = fileURLToPath(new URL('../bin/tessera.js', import.meta.url));

/** Runs by their experiment and its words. */
const run = (experiment, ...words) => ({ experiment, words });
const on = (env, steps) => ['--env', env, '--steps', String(steps)];
const breakout = (steps) => on('Breakout-v0', steps);
const invaders = on('SpaceInvaders-v0', 40_000);
const pixels = on('CartPole-v1', 20_000);
const stacked = ['--set', 'rollouts.envKwargs={"stackFrames":2}'];

/** What is measured: the agent, and what it is compared with. A baseline of more steps has about as much time as the agent. */
const tasks = {
  catch: {
    seeds: 5,
    agent: run('catch'),
    baselines: [
      run('ppo', ...on('Catch-v0', 12_000)),
      run('dqn', ...on('Catch-v0', 12_000)),
      run('ppo', ...on('Catch-v0', 75_000)),
    ],
  },
  'breakout-40k': {
    seeds: 5,
    agent: run('breakout', '--steps', '40000'),
    baselines: [run('ppo', ...breakout(40_000)), run('ppo', ...breakout(450_000))],
  },
  'breakout-100k': {
    seeds: 5,
    agent: run('breakout'),
    baselines: [run('ppo', ...breakout(100_000)), run('ppo', ...breakout(750_000))],
  },
  // With codes that are learned; what it is compared with is in breakout-100k.
  'breakout-100k-vqvae': {
    seeds: 3,
    agent: run('breakout', '--set', 'tokenizer.kind=vqvae'),
    baselines: [],
  },
  'space-invaders-40k': {
    seeds: 3,
    agent: run('agent', ...invaders),
    baselines: [run('ppo', ...invaders), run('ppo', ...on('SpaceInvaders-v0', 450_000))],
  },
  'cartpole-pixels-20k': {
    seeds: 3,
    agent: run('agent', ...pixels),
    baselines: [run('ppo', ...pixels, ...stacked), run('ppo', ...on('CartPole-v1', 80_000), ...stacked)],
  },
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '1' },
    runs: { type: 'string', default: join('runs', 'results') },
    overwrite: { type: 'boolean', default: false },
  },
});
const [task] = positionals;
const jobs = Number(values.jobs);
if (tasks[task] === undefined || positionals.length > 1 || !(Number.isInteger(jobs) && jobs >= 1)) {
  console.error(`usage: make-results.mjs TASK [--jobs N] [--runs DIR] [--overwrite]; tasks: ${Object.keys(tasks).join(', ')}`); // prettier-ignore
  process.exit(2);
}

// Each of several runs computes with its share of the cores.
const share = String(Math.max(1, Math.floor(availableParallelism() / jobs)));
const env = jobs === 1 ? process.env : { ...process.env, TF_NUM_INTRAOP_THREADS: share };

/** Runs the program; resolves with its exit code. What it says goes to our standard error. */
function execute(words) {
  const child = spawn(process.execPath, [tessera, ...words], { stdio: ['ignore', 'ignore', 'inherit'], env });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

/** The folder of a run that has ended; makes it, or goes on with it, first. */
async function finished({ experiment, words }, index, seed) {
  const root = join(values.runs, task, `${index}-${experiment}-s${seed}`);
  mkdirSync(root, { recursive: true });
  const there = () => readdirSync(root).map((name) => join(root, name))[0];
  const before = there();
  if (before === undefined || !existsSync(join(before, 'result.json'))) {
    const start = ['train', experiment, ...words, '--seed', String(seed), '--runs', root];
    const code = await execute(before === undefined ? start : ['train', experiment, '--resume', before]);
    if (code !== 0) throw new Error(`${task}: ${experiment}, seed ${seed}, ended with exit code ${code}. Start again to go on.`); // prettier-ignore
  }
  return there();
}

const { agent, baselines, seeds } = tasks[task];
const work = [agent, ...baselines].flatMap((what, index) =>
  Array.from({ length: seeds }, (_, seed) => ({ what, index, seed })),
);
const folders = [];
let next = 0;
async function worker() {
  for (let i = next++; i < work.length; i = next++) {
    const { what, index, seed } = work[i];
    folders[i] = await finished(what, index, seed);
  }
}
console.error(`${work.length} runs, ${jobs} side by side, on ${availableParallelism()} processors`);
await Promise.all(Array.from({ length: jobs }, worker));
const others = folders.slice(seeds);
const words = ['results', ...folders.slice(0, seeds), '--task', task, ...(others.length > 0 ? ['--baseline', ...others] : [])]; // prettier-ignore
process.exitCode = await execute([...words, ...(values.overwrite ? ['--overwrite'] : [])]);
