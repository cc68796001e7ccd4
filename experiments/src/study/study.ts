// The study "VAE or VQ-VAE?": units of work one after the other in a run folder, then the report. A study that was stopped goes on with the units that are missing.
import { join } from 'node:path';
import { Generators } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { writeFileAtomic } from '@tessera/core/node';
import type { Engine } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import { framesToPictures, grid, upscale } from '@tessera/runs';
import type { RunFolder, TokenizerResult } from '@tessera/runs';
import { frechetDistance, linearOracle, radialSpectrum, randomFeatures, strideCount, toUnit } from '@tessera/vqvae';
import { ballRecall as environmentBallRecall, envConfig } from '../environment.ts';
import { engineChoice } from '../engine-choice.ts';
import type { RunOutcome } from '../experiment.ts';
import { formatSeconds } from '../format.ts';
import type { StudyContext as AnyStudyContext } from '../studies.ts';
import { toolVersions } from '../provenance.ts';
import { judgeClaims, middleRate, samplesAt, unitsOf } from './claims.ts';
import { collapseLatents, collapseName, collapseUnit } from './collapse-unit.ts';
import type { StudyConfig } from './config.ts';
import { environmentFrames, firstRows } from './frames.ts';
import { matchedModels, matchedName, matchedSteps, matchedUnit, samplesFrom } from './matched-unit.ts';
import type { MatchedModel, Pictures } from './matched-unit.ts';
import { ballRecall, modeCoverage, parseFrames, validityThreshold } from './parse-frames.ts';
import { rateCharts, renderReport } from './report.ts';
import { measured } from './study-data.ts';
import type { StudyData } from './study-data.ts';
import { backgrounds, cells, foregroundMask, partsOf, sprites, spriteWorld } from './sprite-world.ts';
import type { SpriteFrames } from './sprite-world.ts';
import { runUnits, slug } from './run-units.ts';
import type { Work } from './run-units.ts';
import { stackStrips } from './strips.ts';
import { realFrames } from './units.ts';
import type { FinishedUnit, MatchedUnit, StudyUnit, modeParts } from './units.ts';

/** The name in `config.json` of the folders that the study makes. */
export const studyName = 'vae-vs-vqvae';
/** The environment that they name. */
export const studyEnv = 'sprite-world';

/** The eigenvalues and the noise of part A. */
const linearData = { eigenvalues: [4, 2, 1, 0.5, 0.25, 0.11, 0.09, 0.05], variance: 0.1 };
const spriteGrid = 4;
const environmentGrid = 5;
const shown = 16;

type StudyContext = AnyStudyContext<StudyConfig>;

interface Measured {
  readonly unit: StudyUnit;
  readonly pictures?: Pictures;
}

/** Runs what is missing of a study and writes `report.html` and `result.json`; returns with `stopped` when the signal was aborted. */
export async function runStudy(context: StudyContext): Promise<RunOutcome> {
  const { config, backend, reporter, run } = context;
  const engine = await createEngine(engineChoice(backend, { precision: 'float32' }));
  try {
    reporter.line(`engine: ${engine.note}`);
    reporter.line(`run folder: ${run.directory}`);
    const finished = await measureAll(context, engine);
    if (finished === undefined) return { directory: run.directory, stopped: true, table: [] };
    const units = finished.map(({ unit }) => unit);
    const seconds = finished.reduce((sum, unit) => sum + unit.seconds, 0);
    const claims = judgeClaims(units, config);
    const html = await renderReport({
      units,
      claims,
      config,
      seconds,
      command: context.command,
      backend: engine.backend,
      directory: run.directory,
    });
    await writeFileAtomic(join(run.directory, 'report.html'), html);
    await writeFigures(run, units, config);
    await run.writeResult({
      experiment: studyName,
      env: studyEnv,
      seed: context.seed,
      steps: 0,
      wallSeconds: seconds,
      backend: engine.backend,
      versions: toolVersions(),
      command: context.command,
      tokenizer: headline(units),
      study: { claims, units },
    });
    return {
      directory: run.directory,
      table: [
        ...claims.map(({ claim, verdict, rateBits }) => ({
          name: verdict,
          value: rateBits === null ? '' : `${rateBits} bits`,
          note: claim,
        })),
        { name: 'measured in', value: formatSeconds(seconds) },
        { name: 'report', value: join(run.directory, 'report.html') },
        {
          name: 'figures',
          value: join(run.directory, 'media'),
          note: 'rate-distortion.svg, sharpness.svg, frames.png',
        },
      ],
    };
  } finally {
    engine.dispose();
  }
}

/** Undefined when it was stopped. */
async function measureAll(context: StudyContext, engine: Engine): Promise<FinishedUnit[] | undefined> {
  const { signal, reporter, nowMs, run } = context;
  const work = (await plan(context, engine)).map((piece): Work<StudyUnit> => ({
    ...piece,
    run: async (onStep) => {
      const { unit, pictures } = await piece.run(onStep);
      return pictures === undefined ? unit : { ...unit, pictures: await writePictures(run, piece.id, pictures) };
    },
  }));
  return runUnits(work, { directory: run.directory, signal, reporter, nowMs });
}

async function writePictures(run: RunFolder, id: string, pictures: Pictures): Promise<Record<string, string>> {
  const paths: Record<string, string> = {};
  for (const [name, frames] of Object.entries(pictures)) {
    const scale = Math.max(1, Math.round(64 / frames.shape[1]!));
    const strip = grid(
      framesToPictures(frames).map((picture) => upscale(picture, scale)),
      { columns: shown, gap: scale },
    );
    const file = `${id}-${name.replaceAll(/[^a-zA-Z0-9]+/g, '-').toLowerCase()}`;
    await run.writePicture(file, strip);
    paths[name] = `${file}.png`;
  }
  return paths;
}

/** The figures for a page elsewhere. Frames: real ones, what a VAE and a VQ-VAE near the middle rate reconstruct, and what each source of latents makes. */
async function writeFigures(run: RunFolder, units: readonly StudyUnit[], config: StudyConfig): Promise<void> {
  const sprites = unitsOf(units, 'matched').filter((unit) => unit.data === studyEnv);
  for (const [name, svg] of Object.entries(rateCharts(sprites)))
    await writeFileAtomic(join(run.directory, 'media', `${name}.svg`), `${svg}\n`);
  const seen = (kind: MatchedUnit['kind']) =>
    samplesAt(sprites, { kind, source: 'learned prior', rate: middleRate(config) })[0]?.pictures;
  const [vae, vq] = [seen('vae'), seen('vq')];
  if (vae === undefined || vq === undefined) return;
  const rows = [
    vq[realFrames],
    vae['reconstructions'],
    vq['reconstructions'],
    vae[samplesFrom('N(0, I)')],
    vae[samplesFrom('learned prior')],
    vq[samplesFrom('learned prior')],
  ];
  const files = rows.filter((file) => file !== undefined);
  await run.writePicture('frames', await stackStrips(run.directory, files, { gap: 8 }));
}

async function plan({ config, seed }: StudyContext, engine: Engine): Promise<Work<Measured>[]> {
  const generators = new Generators(seed);
  const train = spriteWorld(config.trainFrames, generators.get('train'));
  const test = spriteWorld(config.testFrames, generators.get('test'));
  const control = spriteWorld(config.samples, generators.get('control'));
  const threshold = validityThreshold(parseFrames(toUnit(control.frames)));
  const data = spriteData(train, test, threshold);
  const seeds = (count: number) => Array.from({ length: count }, (_, i) => seed + i);
  const { linear, collapse, matched, environment } = config;
  const arcade = await environmentData(environment, generators.get('environment').integers(2 ** 31 - 1));
  return [
    { id: 'control', label: 'real frames', steps: 1, run: () => controlUnit(control, test, threshold) },
    ...seeds(config.seeds).map((own): Work<Measured> => ({
      id: `linear-s${own}`,
      label: `A linear VAE, seed ${own}`,
      steps: linear.steps,
      run: async (onStep) => ({
        unit: {
          part: 'linear',
          seed: own,
          ...(await linearOracle(engine, { ...linearData, seed: own, steps: linear.steps }, onStep)),
        },
      }),
    })),
    ...seeds(collapse.seeds).flatMap((own) =>
      collapseLatents(config).flatMap((latents) =>
        (['weak', 'strong'] as const).map((decoder): Work<Measured> => ({
          id: `collapse-${slug(collapseName(latents))}-${decoder}-s${own}`,
          label: `B ${collapseName(latents)}, ${decoder} decoder, seed ${own}`,
          steps: collapse.steps,
          run: async (onStep) => ({
            unit: await collapseUnit(
              engine,
              { config, latents, decoder, seed: own, train: train.frames, test: test.frames },
              onStep,
            ),
          }),
        })),
      ),
    ),
    ...seeds(config.seeds).flatMap((own) =>
      matchedModels(config).map((model): Work<Measured> => {
        const { samples } = config;
        const unit = { config, model, data, seed: own, steps: matched.steps, grid: spriteGrid, samples };
        return {
          id: `matched-${slug(matchedName(model))}-s${own}`,
          label: `C, D ${matchedName(model)}, seed ${own}`,
          steps: matchedSteps(unit),
          run: (onStep) => matchedResult(engine, unit, onStep),
        };
      }),
    ),
    ...environmentModels(config).map((model): Work<Measured> => {
      const unit = { config, model, data: arcade, seed, steps: environment.steps, grid: environmentGrid, samples: 0 };
      return {
        id: `environment-${slug(matchedName(model))}`,
        label: `${environment.id} ${matchedName(model)}`,
        steps: matchedSteps(unit),
        run: (onStep) => matchedResult(engine, unit, onStep),
      };
    }),
  ];
}

async function matchedResult(...parameters: Parameters<typeof matchedUnit>): Promise<Measured> {
  const { unit, pictures } = await matchedUnit(...parameters);
  return { unit: { ...unit, pictures: {} }, pictures };
}

/** On frames of an environment: every VAE, and VQ-VAEs on its grid. */
function environmentModels({ matched }: StudyConfig): MatchedModel[] {
  const vocabularies = [...new Set(matched.codebooks.map(({ vocabulary }) => vocabulary))];
  return [
    ...matched.betas.map((beta) => ({ kind: 'vae', beta }) as const),
    ...vocabularies.map((vocabulary) => ({ kind: 'vq', grid: environmentGrid, vocabulary }) as const),
  ];
}

function spriteData(train: SpriteFrames, test: SpriteFrames, threshold: number): StudyData {
  return {
    name: studyEnv,
    train: train.frames,
    test: test.frames,
    parts: labelsOf(test.modes),
    mask: foregroundMask(test),
    ballRecall: (decoded) => ballRecall(decoded, test.balls),
    modesKept: (decoded) => agreement(parseFrames(decoded).modes, test.modes),
    coverage: (frames) => modeCoverage(parseFrames(frames), threshold),
  };
}

function labelsOf(modes: Int32Array): NonNullable<StudyData['parts']> {
  const labels = (part: (typeof modeParts)[number]) => modes.map((mode) => partsOf(mode)[part]);
  return {
    background: { labels: labels('background'), classes: backgrounds },
    sprite: { labels: labels('sprite'), classes: sprites },
    cell: { labels: labels('cell'), classes: cells },
  };
}

async function environmentData({ id, frames: count }: StudyConfig['environment'], seed: number): Promise<StudyData> {
  const frames = await environmentFrames(id, count, seed);
  const [, ...shape] = frames.shape;
  // Said now, and not when everything else is measured.
  strideCount({
    frameShape: shape as [number, number, number],
    tokenShape: [environmentGrid, environmentGrid],
  });
  const size = frames.data.length / count;
  const held = Math.floor(count / 4);
  const part = (from: number, to: number) => ({
    dtype: 'uint8' as const,
    shape: [to - from, ...shape],
    data: frames.data.slice(from * size, to * size),
  });
  const test = part(count - held, count);
  const real = toUnit(test);
  const config = envConfig(id, { envKwargs: {}, envModules: [] });
  const knowsBall = !Number.isNaN(environmentBallRecall(config, real, real));
  return {
    name: id,
    train: part(0, count - held),
    test,
    ...(knowsBall && { ballRecall: (decoded) => environmentBallRecall(config, real, decoded) }),
  };
}

function controlUnit(frames: SpriteFrames, test: SpriteFrames, threshold: number): Measured {
  const real = toUnit(frames.frames);
  const parsed = parseFrames(real);
  const features = (some: NdArray<'float32'>) => randomFeatures(firstRows(some, measured));
  return {
    unit: {
      part: 'control',
      threshold,
      ...modeCoverage(parsed, threshold),
      accuracy: agreement(parsed.modes, frames.modes),
      ballRecall: ballRecall(real, frames.balls),
      frames: frames.modes.length,
      frechet: frechetDistance(features(real), features(toUnit(test.frames))),
      spectrum: [...radialSpectrum(firstRows(real, measured))],
    },
  };
}

function agreement(a: Int32Array, b: Int32Array): number {
  return a.filter((mode, i) => mode === b[i]).length / a.length;
}

/** What `tessera list` shows: the first VQ-VAE, whose name is beside it. */
function headline(units: readonly StudyUnit[]): TokenizerResult {
  const [first] = unitsOf(units, 'matched').filter((unit) => unit.kind === 'vq');
  const number = (value: number | null | undefined): number => value ?? NaN;
  return {
    model: first?.model,
    nmse: number(first?.nmse),
    psnr: number(first?.psnr),
    ballRecall: number(first?.ballRecall),
    usage: number(first?.usage),
    usageCeiling: number(first?.usageCeiling),
    perplexity: number(first?.perplexity),
    perplexityCeiling: number(first?.perplexityCeiling),
    churn: NaN,
  };
}
