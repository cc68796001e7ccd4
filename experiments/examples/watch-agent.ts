// Load a trained agent and watch it: a GIF of an episode beside its reconstruction, its codes as colours, and what the agent's world model dreams.
//
//   npm start                                                     # trains on Catch and prints the run folder
//   npx tsx experiments/examples/watch-agent.ts RUN_FOLDER
import { writeFile } from 'node:fs/promises';
import { playEpisode } from '@tessera/agent';
import { loadAgent } from '@tessera/agent/node';
import { createEngine } from '@tessera/engine/node';
import { Catch } from '@tessera/env-arcade';
import { filmEpisode } from '@tessera/experiments';

const [run = 'run'] = process.argv.slice(2);

const agent = await loadAgent(await createEngine(), `${run}/agent`);
const episode = playEpisode(agent, new Catch(), { seed: 0 });
await writeFile('episode.gif', filmEpisode(agent, episode));
process.stdout.write(`return ${episode.totalReward} in ${episode.actions.length} steps: episode.gif\n`);
agent.engine.dispose();
