// What the study has measured, a unit of work at a time: each unit is one trained model with its numbers, in a file of its own that is there whole or not at all, so that a study
// that was stopped goes on where it was.
import { join } from 'node:path';
import { FormatError } from '@tessera/core';
import { makeDirectory, pathInfo, readTextBounded, writeFileAtomic } from '@tessera/core/node';
import type { LinearOracleResult, MutualInformation, ProbeAccuracy } from '@tessera/vqvae';

/** Called after every step of training; it may throw to stop, and gives others their turn. */
export type OnStep = () => Promise<void> | void;

/** Part A: the linear VAE beside its closed form. */
export interface LinearUnit extends LinearOracleResult {
  readonly part: 'linear';
  readonly seed: number;
}

/** Part B: one model with one decoder. */
export interface CollapseUnit {
  readonly part: 'collapse';
  readonly seed: number;
  /** `VAE beta 1`, `VQ-VAE K 64`. */
  readonly model: string;
  readonly kind: 'vae' | 'vq';
  readonly beta: number | null;
  readonly decoder: 'weak' | 'strong';
  /** `-ln p(x | z)` and what the latents of another frame add to it, bits a frame. */
  readonly nllBits: number;
  readonly gapBits: number;
  /** Rate of the latents, bits a frame: the KL, or tokens times log2 K. */
  readonly rateBits: number;
  /** Of a VAE; null for others. */
  readonly activeUnits: number | null;
  readonly units: number | null;
  readonly mutualInformation: MutualInformation | null;
  readonly klPerUnit: readonly number[] | null;
  /** Of a VQ-VAE; null for others. */
  readonly usage: number | null;
  readonly usageCeiling: number | null;
  readonly perplexity: number | null;
  readonly perplexityCeiling: number | null;
  /** Entropy of the codes, bits a frame. */
  readonly codeBits: number | null;
}

/** What the picture of a unit is called that shows frames as they are. */
export const realFrames = 'real frames';

/** How frames look that a model made up. */
export interface SampleMeasures {
  /** Fréchet distance of random features to as many real frames. */
  readonly frechet: number;
  readonly sharpnessMean: number;
  readonly sharpnessMin: number;
  readonly highFrequency: number;
  /** Of 640; null where there are no templates. */
  readonly modes: number | null;
  readonly klToUniform: number | null;
  readonly invalid: number | null;
  readonly count: number;
}

/** How decoded frames compare with the real ones that they stand for. */
export interface ReconstructionMeasures {
  readonly mse: number;
  readonly nmse: number;
  readonly psnr: number;
  readonly ssim: number;
  readonly foregroundPsnr: number | null;
  readonly ballRecall: number | null;
  /** Share of the frames whose own mode is read off their reconstruction. */
  readonly modesKept: number | null;
  /** Share of them that the parser takes for no frame: what a source of latents as good as real ones would have. */
  readonly invalid: number | null;
  /** Fréchet distance of random features to the real frames. */
  readonly frechet: number;
  /** Over those of the real frames. */
  readonly sharpnessMean: number;
  readonly sharpnessMin: number;
  readonly highFrequency: number;
}

/** The parts of a mode of sprite world. */
export const modeParts = ['background', 'sprite', 'cell'] as const;

/** Parts C and D: one model, its reconstructions and its samples. A VAE's are decoded from draws of its posteriors, which is what its rate pays for. */
export interface MatchedUnit extends ReconstructionMeasures {
  readonly part: 'matched';
  /** `sprite-world`, or an environment. */
  readonly data: string;
  readonly seed: number;
  readonly model: string;
  readonly kind: 'ae' | 'vae' | 'vq';
  readonly beta: number | null;
  readonly parameters: number;
  /** Bits a frame; null for the plain autoencoder, whose rate is not bounded. */
  readonly rateBits: number | null;
  /** Tokens times the entropy of the codes; null for others. */
  readonly entropyBits: number | null;
  /** What the learned prior pays, bits a frame; of a VAE the density of its latents, which is no code length. */
  readonly priorBits: number | null;
  /** A VAE's reconstructions from the means of its posteriors, of which the KL does not bound the bits; null for others. */
  readonly ofMeans: ReconstructionMeasures | null;
  readonly spectrum: readonly number[];
  readonly klPerUnit: readonly number[] | null;
  readonly activeUnits: number | null;
  readonly usage: number | null;
  readonly usageCeiling: number | null;
  readonly perplexity: number | null;
  readonly perplexityCeiling: number | null;
  readonly codeCounts: readonly number[] | null;
  /** Share of tokens that a grey level of noise changes. */
  readonly noiseChurn: number | null;
  /** Relative to the spread of the encoder's vectors. */
  readonly quantizationError: number | null;
  /** How well the parts of a frame's mode can be read off its tokens; null where there are none. */
  readonly probe: Readonly<Record<(typeof modeParts)[number], ProbeAccuracy>> | null;
  /** By where their latents come from: `N(0, I)`, `uniform codes`, `learned prior`. */
  readonly samples: Readonly<Record<string, SampleMeasures>>;
  /** Pictures in the run folder's `media` by what they show. */
  readonly pictures: Readonly<Record<string, string>>;
}

/** What is known of the real frames. */
export interface ControlUnit {
  readonly part: 'control';
  readonly threshold: number;
  readonly modes: number;
  readonly invalid: number;
  /** Share of frames whose mode is read as it is. */
  readonly accuracy: number;
  readonly ballRecall: number;
  readonly klToUniform: number;
  readonly frames: number;
  /** Fréchet distance of two sets of real frames: what the size of the samples leaves. */
  readonly frechet: number;
  readonly spectrum: readonly number[];
}

/** Any of them. */
export type StudyUnit = ControlUnit | LinearUnit | CollapseUnit | MatchedUnit;

/** A unit with the time that it took. */
export interface FinishedUnit<Unit = StudyUnit> {
  readonly seconds: number;
  readonly unit: Unit;
}

const maxBytes = 2 ** 24;

/** The finished units of a run folder. */
export class UnitStore<Unit extends { readonly part: string } = StudyUnit> {
  readonly #directory: string;

  constructor(runDirectory: string) {
    this.#directory = join(runDirectory, 'units');
  }

  /** The unit, or undefined when it is not finished. Throws FormatError for a file that is no unit. */
  async read(id: string): Promise<FinishedUnit<Unit> | undefined> {
    const path = this.#path(id);
    if (!(await pathInfo(path))) return undefined;
    const text = await readTextBounded(path, { maxBytes });
    let finished: Partial<FinishedUnit<Unit>> | null;
    try {
      finished = JSON.parse(text) as Partial<FinishedUnit<Unit>> | null;
    } catch (cause) {
      throw new FormatError(`${path}: expected JSON: ${(cause as Error).message}. Remove it to measure it again.`, {
        cause,
      });
    }
    if (typeof finished?.unit?.part === 'string' && typeof finished.seconds === 'number')
      return finished as FinishedUnit<Unit>;
    throw new FormatError(`${path}: expected a unit of the study. Remove it to measure it again.`);
  }

  /** Writes a unit, whole or not at all. */
  async write(id: string, finished: FinishedUnit<Unit>): Promise<void> {
    await makeDirectory(this.#directory);
    await writeFileAtomic(this.#path(id), `${JSON.stringify(finished)}\n`);
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}
