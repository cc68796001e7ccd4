// The study of quantizers: every kind on the same frames, network, batches and optimiser at the same rate.
import { join } from 'node:path';
import { Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { writeFileAtomic } from '@tessera/core/node';
import type { Engine } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import { framesToPictures, grid, resolveConfig, upscale } from '@tessera/runs';
import type { Picture } from '@tessera/runs';
import { toUnit } from '@tessera/vqvae';
import { engineChoice } from '../engine-choice.ts';
import type { RunOutcome } from '../experiment.ts';
import { formatSeconds } from '../format.ts';
import type { Study, StudyContext } from '../studies.ts';
import { environmentFrames } from '../study/frames.ts';
import { runUnits, slug } from '../study/run-units.ts';
import type { Work } from '../study/run-units.ts';
import { stackStrips } from '../study/strips.ts';
import { toolVersions } from '../provenance.ts';
import { quantizerStudySchema, quickQuantizerValues } from './config.ts';
import type { QuantizerStudyConfig } from './config.ts';
import { quantizerKinds } from './kinds.ts';
import { quantizerChart, quantizerTable } from './report.ts';
import { quantizerUnit } from './unit.ts';
import type { QuantizerData, QuantizerUnit } from './unit.ts';

const env = 'Breakout-v0';

/** The study as the command knows it. */
export const quantizerStudy: Study = {
  name: 'quantizers',
  env,
  summary:
    'Which quantizer? All of them on frames of Breakout at one rate. Writes table.md, quantizers.svg and result.json.',
  schema: quantizerStudySchema,
  readConfig: (layers) => resolveConfig(quantizerStudySchema, layers),
  quickValues: quickQuantizerValues,
  run: (context) => runQuantizers(context as unknown as StudyContext<QuantizerStudyConfig>),
};

const shown = 12;
const scale = 3;

async function runQuantizers(context: StudyContext<QuantizerStudyConfig>): Promise<RunOutcome> {
  const { config, seed, backend, reporter, run, command } = context;
  const { directory } = run;
  const engine = await createEngine(engineChoice(backend, { precision: 'float32' }));
  try {
    reporter.line(`engine: ${engine.note}`);
    reporter.line(`run folder: ${directory}`);
    const data = await frames(config, seed);
    const finished = await runUnits(plan(context, engine, data), { ...context, directory });
    if (finished === undefined) return { directory, stopped: true, table: [] };
    const units = finished.map(({ unit }) => unit);
    const seconds = finished.reduce((sum, unit) => sum + unit.seconds, 0);
    const table = quantizerTable(units);
    const title = `Quantizers at ${units[0]!.rateBits} bits a frame, ${env}, ${config.seeds} seed${config.seeds === 1 ? '' : 's'}`;
    await writeFileAtomic(join(directory, 'table.md'), `${table}\n`);
    await writeFileAtomic(join(directory, 'quantizers.svg'), `${quantizerChart(units, title)}\n`);
    await run.writePicture('reconstructions', await strips(units, { directory, seed, test: data.test }));
    await run.writeResult({
      experiment: quantizerStudy.name,
      env,
      seed,
      steps: 0,
      wallSeconds: seconds,
      backend: engine.backend,
      versions: toolVersions(),
      command,
      tokenizer: { ...units[0]! },
      study: { units },
    });
    reporter.line(table);
    return {
      directory,
      table: [
        { name: 'measured in', value: formatSeconds(seconds) },
        { name: 'table', value: join(directory, 'table.md') },
        { name: 'pictures', value: join(directory, 'quantizers.svg'), note: 'media/reconstructions.png' },
      ],
    };
  } finally {
    engine.dispose();
  }
}

/** Frames of a random policy; those to measure on are of other episodes. */
async function frames({ trainFrames, testFrames }: QuantizerStudyConfig, seed: number): Promise<QuantizerData> {
  const generators = new Generators(seed);
  const episodes = async (name: string, count: number) =>
    environmentFrames(env, count, generators.get(name).integers(2 ** 31 - 1));
  return {
    env,
    train: await episodes('train', trainFrames),
    test: toUnit(await episodes('test', testFrames)),
  };
}

function plan(
  { config, seed, run }: StudyContext<QuantizerStudyConfig>,
  engine: Engine,
  data: QuantizerData,
): Work<QuantizerUnit>[] {
  const seeds = Array.from({ length: config.seeds }, (_, i) => seed + i);
  return seeds.flatMap((own) =>
    quantizerKinds(config).map((kind): Work<QuantizerUnit> => ({
      id: `${slug(kind.name)}-s${own}`,
      label: `${kind.name}, seed ${own}`,
      steps: kind.quantizer === undefined ? 2 : config.steps,
      run: async (onStep) => {
        const { unit, decoded } = await quantizerUnit(engine, { config, kind, data, seed: own }, onStep);
        const picture = `${slug(kind.name)}-s${own}`;
        await run.writePicture(picture, strip(decoded));
        return { ...unit, picture: `${picture}.png` };
      },
    })),
  );
}

/** A row of frames out of the whole set. */
function strip({ shape, data }: NdArray<'float32'>): Picture {
  const [count = 0, ...frame] = shape;
  const columns = Math.min(shown, count);
  const size = data.length / count;
  const chosen = ndarray('float32', [columns, ...frame]);
  for (let i = 0; i < columns; i++) {
    const from = Math.floor((i * count) / columns) * size;
    chosen.data.set(data.subarray(from, from + size), i * size);
  }
  return grid(
    framesToPictures(chosen).map((picture) => upscale(picture, scale)),
    { columns, gap: scale },
  );
}

/** The real frames, and below them what each kind made of them with the first seed, in the order of the table. */
async function strips(
  units: readonly QuantizerUnit[],
  { directory, seed, test }: { readonly directory: string; readonly seed: number; readonly test: NdArray<'float32'> },
): Promise<Picture> {
  const files = units.filter((unit) => unit.seed === seed).map(({ picture }) => picture);
  return stackStrips(directory, files, { above: [strip(test)], gap: 2 * scale });
}
