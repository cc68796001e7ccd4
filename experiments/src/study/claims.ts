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
  const text = (share: number) => `${shortNumber(100 * share)} %`;
  const told = (unit: CollapseUnit) =>
    `${unit.model}, seed ${unit.seed}: ${unit.kind === 'vae' ? `${text(activeShare(unit))} of the units active` : `${text(unit.usage!)} of the codes used`}, gap ${text(gapShare(unit, units))} of the weak decoder's`;
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
  const vae = (measure: Measure) => familyAtRate(units, 'vae', { rate, measure });
  const vq = (measure: Measure) => familyAtRate(units, 'vq', { rate, measure });
  const compare = (claim: string, order: ReturnType<typeof lower>, evidence: string): Claim => ({
    claim,
    verdict: comparison(order),
    rateBits: rate,
    evidence,
  });
  const mse: Measure = (unit) => unit.mse;
  const mseOfMeans: Measure = (unit) => unit.ofMeans?.mse ?? null;
  const sharpness: Measure = (unit) => unit.sharpnessMean;
  // Noise sharpens, too: what counts is the distance from the real frames.
  const unlike: Measure = (unit) => Math.abs(Math.log(unit.sharpnessMean));
  const recall: Measure = (unit) => unit.ballRecall;
  return [
    compare(
      'C. At the same rate the VQ-VAE has the smaller squared error',
      lower(vq(mse), vae(mse)),
      `MSE: VQ-VAE ${rangeText(vq(mse))}, VAE ${rangeText(vae(mse))}`,
    ),
    compare(
      "C. The same, and the VAE may decode its posteriors' means, whose bits its KL does not bound",
      lower(vq(mse), vae(mseOfMeans)),
      `MSE: VQ-VAE ${rangeText(vq(mse))}, VAE ${rangeText(vae(mseOfMeans))}`,
    ),
    compare(
      "C. At the same rate the sharpness of the VQ-VAE's reconstructions is nearer that of real frames",
      lower(vq(unlike), vae(unlike)),
      `Laplacian variance, real = 1: VQ-VAE ${rangeText(vq(sharpness))}, VAE ${rangeText(vae(sharpness))}`,
    ),
    compare(
      'C. At the same rate the VQ-VAE loses the small ball less often',
      lower(vae(recall), vq(recall)),
      `balls found: VQ-VAE ${rangeText(vq(recall))}, VAE ${rangeText(vae(recall))}`,
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
  const drawn = (kind: MatchedUnit['kind'], source: string) => {
    const chosen = samplesAt(units, { kind, source, rate });
    const models = [...new Set(chosen.map((unit) => unit.model))].join(', ');
    const invalid = spreadOf(chosen.map((unit) => percent(unit.samples[source]!.invalid)));
    const modes = spreadOf(chosen.map((unit) => unit.samples[source]!.modes));
    const decoded = spreadOf(chosen.map((unit) => percent(unit.invalid)));
    const text = `${models} from ${source}: ${rangeText(invalid)} % invalid, ${rangeText(modes)} modes (of its reconstructions ${rangeText(decoded)} % are invalid)`;
    return { invalid, modes, text };
  };
  const vq = drawn('vq', 'learned prior');
  const plain = drawn('vae', 'N(0, I)');
  const twoStage = drawn('vae', 'learned prior');
  const uniform = drawn('vq', 'uniform codes');
  const compare = (claim: string, order: ReturnType<typeof lower>, other: { readonly text: string }): Claim => ({
    claim,
    verdict: comparison(order),
    rateBits: rate,
    evidence: `${vq.text}; ${other.text}`,
  });
  return [
    compare(
      'D. Samples of a VQ-VAE through a learned prior are valid more often than those of a VAE from N(0, I)',
      lower(vq.invalid, plain.invalid),
      plain,
    ),
    compare('D. They cover more of the 640 modes, counted among the valid ones', lower(plain.modes, vq.modes), plain),
    compare(
      'D. That is due to the codes being discrete: a VAE with a learned prior is valid less often than the VQ-VAE with one',
      lower(vq.invalid, twoStage.invalid),
      twoStage,
    ),
    compare(
      'D. The learned prior is what makes the difference: codes drawn uniformly are valid less often',
      lower(vq.invalid, uniform.invalid),
      uniform,
    ),
  ];
}

function percent(share: number | null): number | null {
  return share === null ? null : 100 * share;
}

/** Every claim is put so that it holds where the first is lower. */
function comparison(order: ReturnType<typeof lower>): Claim['verdict'] {
  if (order === 'unknown') return 'not measured';
  if (order === 'neither') return 'no difference beyond the seeds';
  return order === 'first' ? 'held' : 'did not hold';
}

function verdictOf(holds: number, all: number): Claim['verdict'] {
  if (all === 0) return 'not measured';
  if (holds === all) return 'held';
  return holds === 0 ? 'did not hold' : 'partly';
}

/** `0.012 (0.011 to 0.013)`, mean and range of the seeds; of one seed the number alone. */
export function rangeText({ mean, low, high, count }: Spread): string {
  if (count === 0) return 'not measured';
  if (low === high) return shortNumber(mean);
  return `${shortNumber(mean)} (${shortNumber(low)} to ${shortNumber(high)})`;
}
