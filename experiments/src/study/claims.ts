// What is usually said for VQ-VAEs against VAEs, and what the measured units say to it.
import { atRate, lower, spreadOf } from './compare.ts';
import type { Spread } from './compare.ts';
import type { StudyConfig } from './config.ts';
import { shortNumber } from './charts.ts';
import type { CollapseUnit, LinearUnit, MatchedUnit, StudyUnit } from './units.ts';

/** A claim and its verdict. */
export interface Claim {
  readonly claim: string;
  readonly verdict: 'held' | 'did not hold' | 'partly' | 'no difference beyond the seeds' | 'not measured';
  /** Bits a frame at which it was measured; null where no rate is meant. */
  readonly rateBits: number | null;
  readonly evidence: string;
}

/** Units of one part. */
export function unitsOf<P extends StudyUnit['part']>(
  units: readonly StudyUnit[],
  part: P,
): Extract<StudyUnit, { part: P }>[] {
  return units.filter((unit): unit is Extract<StudyUnit, { part: P }> => unit.part === part);
}

/** The claims in the order of the protocol's parts. */
export function judgeClaims(units: readonly StudyUnit[], config: StudyConfig): Claim[] {
  const matched = unitsOf(units, 'matched').filter((unit) => unit.data === 'sprite-world');
  return [
    instruments(unitsOf(units, 'linear')),
    ...collapse(unitsOf(units, 'collapse')),
    ...config.matched.rates.flatMap((rate) => reconstructions(matched, rate)),
    ...samples(matched, middleRate(config)),
  ];
}

/** The rate at which samples are compared. */
export function middleRate({ matched: { rates } }: StudyConfig): number {
  const sorted = rates.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function instruments(units: readonly LinearUnit[]): Claim {
  const right = units.filter(
    (unit) => unit.activeUnits === unit.optimalActiveUnits && Math.abs(unit.totalKl / unit.optimalTotalKl - 1) <= 0.05,
  );
  return {
    claim: 'A. The instruments are right: on a linear VAE active units are exact and the sum of the KL is within 5 %',
    verdict: verdictOf(right.length, units.length),
    rateBits: null,
    evidence: units
      .map(
        (unit) =>
          `seed ${unit.seed}: ${unit.activeUnits} of ${unit.optimalActiveUnits} units, KL ${shortNumber(unit.totalKl)} of ${shortNumber(unit.optimalTotalKl)} nats, mutual information ${shortNumber(unit.mutualInformation.nats)}`,
      )
      .join('; '),
  };
}

/** The strong decoder's gap over the weak one's, of the same model and seed. */
export function gapShare(unit: CollapseUnit, units: readonly CollapseUnit[]): number {
  const weak = units.find(
    (other) => other.model === unit.model && other.seed === unit.seed && other.decoder === 'weak',
  );
  return weak === undefined ? NaN : unit.gapBits / weak.gapBits;
}

function collapse(units: readonly CollapseUnit[]): Claim[] {
  const strong = units.filter((unit) => unit.decoder === 'strong');
  const vaes = strong.filter((unit) => unit.kind === 'vae' && unit.beta! >= 1);
  const vqs = strong.filter((unit) => unit.kind === 'vq');
  const activeShare = (unit: CollapseUnit) => unit.activeUnits! / unit.units!;
  const collapsed = vaes.filter((unit) => activeShare(unit) < 0.25 && gapShare(unit, units) < 0.05);
  const alive = vqs.filter((unit) => unit.usage! >= 0.9 && gapShare(unit, units) >= 0.5);
  const fewCodes = vqs.filter((unit) => unit.usage! < 0.9);
  const percent = (share: number) => `${shortNumber(100 * share)} %`;
  const told = (unit: CollapseUnit) =>
    `${unit.model}, seed ${unit.seed}: ${unit.kind === 'vae' ? `${percent(activeShare(unit))} of the units active` : `${percent(unit.usage!)} of the codes used`}, gap ${percent(gapShare(unit, units))} of the weak decoder's`;
  return [
    {
      claim: 'B. With a strong decoder VAEs of beta >= 1 collapse: below 25 % active units and below 5 % of the gap',
      verdict: verdictOf(collapsed.length, vaes.length),
      rateBits: null,
      evidence: vaes.map(told).join('; '),
    },
    {
      claim: 'B. With the same decoder the VQ-VAE does not: at least 90 % of the codes and 50 % of the gap',
      verdict: verdictOf(alive.length, vqs.length),
      rateBits: vqs[0]?.rateBits ?? null,
      evidence: `${vqs.map(told).join('; ')}. Collapses counted: ${collapsed.length} of ${vaes.length} VAEs (posterior), ${fewCodes.length} of ${vqs.length} VQ-VAEs (codebook)`,
    },
  ];
}

type Measure = (unit: MatchedUnit) => number | null;

/** A measure of a family of models at a rate, over its seeds. */
export function familyAtRate(
  units: readonly MatchedUnit[],
  kind: MatchedUnit['kind'],
  { rate, measure }: { readonly rate: number; readonly measure: Measure },
): Spread {
  const own = units.filter((unit) => unit.kind === kind);
  const seeds = [...new Set(own.map((unit) => unit.seed))];
  return spreadOf(
    seeds.map((seed) =>
      atRate(
        own.flatMap((unit) => {
          const value = measure(unit);
          return unit.seed === seed && unit.rateBits !== null && value !== null ? [{ rate: unit.rateBits, value }] : [];
        }),
        rate,
      ),
    ),
  );
}

function reconstructions(units: readonly MatchedUnit[], rate: number): Claim[] {
  const compare = (claim: string, measure: Measure, better: 'lower' | 'higher'): Claim => {
    const vq = familyAtRate(units, 'vq', { rate, measure });
    const vae = familyAtRate(units, 'vae', { rate, measure });
    return {
      claim,
      verdict: comparison(lower(vq, vae), better === 'lower' ? 'first' : 'second'),
      rateBits: rate,
      evidence: `VQ-VAE ${rangeText(vq)}, VAE ${rangeText(vae)}`,
    };
  };
  return [
    compare('C. At the same rate the VQ-VAE has the smaller squared error', (unit) => unit.mse, 'lower'),
    compare(
      "C. At the same rate the VQ-VAE's reconstructions are sharper (Laplacian variance over that of real frames)",
      (unit) => unit.sharpnessMean,
      'higher',
    ),
  ];
}

/** Samples of a source from models of a family at a rate: models are looked up, not interpolated, for samples of one model are what people see. */
export function samplesAt(
  units: readonly MatchedUnit[],
  { kind, source, rate }: { readonly kind: MatchedUnit['kind']; readonly source: string; readonly rate: number },
): MatchedUnit[] {
  const seeds = [...new Set(units.map((unit) => unit.seed))];
  return seeds.flatMap((seed) => {
    const own = units.filter((unit) => unit.seed === seed && unit.kind === kind && unit.samples[source] !== undefined);
    const distance = (unit: MatchedUnit) => (unit.rateBits === null ? 0 : Math.abs(Math.log(unit.rateBits / rate)));
    const nearest = own.toSorted((a, b) => distance(a) - distance(b))[0];
    return nearest === undefined ? [] : [nearest];
  });
}

function samples(units: readonly MatchedUnit[], rate: number): Claim[] {
  const invalid = (kind: MatchedUnit['kind'], source: string) => {
    const chosen = samplesAt(units, { kind, source, rate });
    const spread = spreadOf(chosen.map((unit) => unit.samples[source]!.invalid));
    const models = [...new Set(chosen.map((unit) => unit.model))].join(', ');
    return { spread, text: `${models} from ${source}: ${rangeText(spread)} invalid` };
  };
  const vq = invalid('vq', 'learned prior');
  const plain = invalid('vae', 'N(0, I)');
  const twoStage = invalid('vae', 'learned prior');
  const uniform = invalid('vq', 'uniform codes');
  return [
    {
      claim: 'D. Samples of a VQ-VAE through a learned prior are valid more often than those of a VAE from N(0, I)',
      verdict: comparison(lower(vq.spread, plain.spread), 'first'),
      rateBits: rate,
      evidence: `${vq.text}; ${plain.text}`,
    },
    {
      claim:
        'D. That is due to the codes being discrete: a VAE with a learned prior does worse than the VQ-VAE with one',
      verdict: comparison(lower(vq.spread, twoStage.spread), 'first'),
      rateBits: rate,
      evidence: `${vq.text}; ${twoStage.text}`,
    },
    {
      claim: 'D. The learned prior is what makes the difference: codes drawn uniformly are valid less often',
      verdict: comparison(lower(vq.spread, uniform.spread), 'first'),
      rateBits: rate,
      evidence: `${vq.text}; ${uniform.text}`,
    },
  ];
}

function comparison(order: ReturnType<typeof lower>, wanted: 'first' | 'second'): Claim['verdict'] {
  if (order === 'unknown') return 'not measured';
  if (order === 'neither') return 'no difference beyond the seeds';
  return order === wanted ? 'held' : 'did not hold';
}

function verdictOf(holds: number, all: number): Claim['verdict'] {
  if (all === 0) return 'not measured';
  if (holds === all) return 'held';
  return holds === 0 ? 'did not hold' : 'partly';
}

/** `0.012 (0.011 to 0.013, 3 seeds)`. */
export function rangeText({ mean, low, high, count }: Spread): string {
  if (count === 0) return 'not measured';
  if (count === 1) return `${shortNumber(mean)} (1 seed)`;
  return `${shortNumber(mean)} (${shortNumber(low)} to ${shortNumber(high)}, ${count} seeds)`;
}
