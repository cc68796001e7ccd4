// Random numbers of episodes.
import { Generators } from '@tessera/core';
import type { Generator } from '@tessera/core';
import type { GeneratorsOf } from '../agent-player.ts';

/** A generator for each episode in the order of their first frames, so that what is drawn in one does not depend on how many others are played beside it. */
export function episodeGenerators(seed: number): GeneratorsOf {
  const generators = new Generators(seed);
  const own = new Map<number, Generator>();
  let begun = 0;
  return (envIndices, begins) =>
    envIndices.map((envIndex, row) => {
      let generator = begins?.[row] === 1 ? undefined : own.get(envIndex);
      if (generator === undefined) own.set(envIndex, (generator = generators.get(`evaluation/policy/${begun++}`)));
      return generator;
    });
}
