// What the world model learns of rewards, the policy learns of real steps too: their signs, or their sizes.
import { expect, test, vi } from 'vitest';
import { cpu } from './toy.ts';
import { finish, runOn } from './training-toy.ts';

test.each([
  ['sign', [-1, 0, 1]],
  ['two-hot', [-1, 0, 7]],
] as const)('rewards of kind %s reach world model and policy as %j', async (reward, values) => {
  const run = await runOn(cpu, {
    env: { reward: 7 },
    worldModel: { reward },
    training: { imagination: { updates: 0 }, replayBytes: 2 ** 20 },
  });
  const learn = vi.spyOn(run.agent.behaviour, 'learn');
  const trainStep = vi.spyOn(run.agent.worldModel, 'trainStep');
  await finish(run);
  const experience = learn.mock.calls.flatMap(([given]) => given);
  expect(new Set(experience.flatMap(({ rewards }) => Array.from(rewards)))).toEqual(new Set(values));
  expect(new Set(trainStep.mock.calls.flatMap(([batch]) => [...batch.rewards.data]))).toEqual(new Set(values));
});
