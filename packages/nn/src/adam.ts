// Adam and AdamW with clipping by the global norm (Kingma and Ba 2015, arXiv 1412.6980; Loshchilov and Hutter 2019, arXiv 1711.05101; Pascanu et al. 2013, arXiv 1211.5063).
// The state is a tree beside the parameters, so it is saved and loaded like them.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  adamUpdate,
  assign,
  div,
  flatten,
  fill,
  gradients,
  maximum,
  mul,
  sqrt,
  square,
  sum,
  tanh,
} from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { zeros } from './initialisers.ts';

/** What Adam keeps of a tree of parameters. */
export interface AdamState {
  /** Updates made so far, a float32 scalar. */
  readonly step: NdArray<'float32'>;
  /** First and second moments by the parameters' flat names, dots turned into slashes. */
  readonly first: Readonly<Record<string, NdArray<'float32'>>>;
  readonly second: Readonly<Record<string, NdArray<'float32'>>>;
}

/** Settings of one update. */
export interface AdamOptions {
  /** A number, or a scalar tensor such as an input of the program. */
  readonly learningRate: number | Tensor;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled decay of AdamW, per unit of learning rate; default 0. */
  readonly weightDecay?: number;
  /** Scales all gradients together so that their global norm is at most this; default no limit. */
  readonly clipNorm?: number;
}

const slot = (name: string): string => name.replaceAll('.', '/');

/** The state before the first update. */
export function initAdam(parameters: object): AdamState {
  const moments = () =>
    Object.fromEntries([...flatten<NdArray>(parameters)].map(([name, { shape }]) => [slot(name), zeros(shape)]));
  return { step: ndarray('float32', []), first: moments(), second: moments() };
}

/** Parameters that share the settings of their updates. */
export interface AdamGroup extends Omit<AdamOptions, 'clipNorm'> {
  readonly parameters: unknown;
  /** What `initAdam` made of them. */
  readonly state: Traced<AdamState>;
}

/**
 * Differentiates `loss` by `parameters` and updates them when the program has run. Returns the global norm of the gradients before clipping, a scalar.
 *
 * Throws ConfigError for betas outside [0, 1), rates, decays and epsilons below 0, a clip norm that is not positive, and a state that `initAdam` made of other parameters.
 */
export function adamStep(
  loss: Tensor,
  parameters: unknown,
  state: Traced<AdamState>,
  { clipNorm, ...options }: AdamOptions,
): { gradientNorm: Tensor } {
  return adamStepOfGroups(loss, [{ parameters, state, ...options }], clipNorm === undefined ? {} : { clipNorm });
}

/** `adamStep` of several groups on one loss: one differentiation, one norm and one clipping for the gradients of all, rates and betas of each. */
export function adamStepOfGroups(
  loss: Tensor,
  groups: readonly AdamGroup[],
  { clipNorm }: Pick<AdamOptions, 'clipNorm'> = {},
): { gradientNorm: Tensor } {
  if (clipNorm !== undefined && !(clipNorm > 0))
    throw new ConfigError(`adam: expected a clip norm above 0, got ${clipNorm}.`);
  const leaves = groups.map(checkGroup);
  const all = gradients(
    loss,
    leaves.flatMap((own) => own.map(([, leaf]) => leaf)),
  );
  const gradientNorm = globalNorm(all);
  const scale = clipNorm === undefined ? undefined : div(clipNorm, maximum(gradientNorm, clipNorm));
  let first = 0;
  for (const [i, group] of groups.entries()) {
    const own = leaves[i]!;
    updateGroup(group, { leaves: own, slopes: all.slice(first, first + own.length), scale });
    first += own.length;
  }
  return { gradientNorm };
}

type Leaves = readonly (readonly [name: string, leaf: Tensor])[];

/** The parameters of a group by name. */
function checkGroup({ parameters, state, ...options }: AdamGroup): Leaves {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  for (const [name, beta] of Object.entries({ beta1, beta2 })) {
    if (!(beta >= 0 && beta < 1)) throw new ConfigError(`adam: expected ${name} in [0, 1), got ${beta}.`);
  }
  const rates = { weightDecay, epsilon, ...(typeof learningRate === 'number' && { learningRate }) };
  for (const [name, value] of Object.entries(rates)) {
    if (!(value >= 0 && Number.isFinite(value))) throw new ConfigError(`adam: expected ${name} >= 0, got ${value}.`);
  }
  const leaves = [...flatten<Tensor>(parameters)];
  for (const [name] of leaves) {
    if (state.first[slot(name)] === undefined || state.second[slot(name)] === undefined) {
      throw new ConfigError(
        `adam: the state has no moments of '${name}'. Make it of the same parameters with initAdam.`,
      );
    }
  }
  return leaves;
}

function updateGroup(
  { state, learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamGroup,
  {
    leaves,
    slopes,
    scale,
  }: { readonly leaves: Leaves; readonly slopes: readonly Tensor[]; readonly scale: Tensor | undefined },
): void {
  const step = add(state.step, 1);
  assign(state.step, step);
  const rateOf = typeof learningRate === 'number' ? fill([], learningRate) : learningRate;
  const rate = div(rateOf, correction(step, beta1));
  const shared = {
    rate,
    correction: correction(step, beta2),
    ...(weightDecay !== 0 && { decay: mul(rateOf, weightDecay) }),
    beta1,
    beta2,
    epsilon,
  };
  for (const [i, [name, leaf]] of leaves.entries()) {
    adamUpdate(leaf, {
      firstMoment: state.first[slot(name)]!,
      secondMoment: state.second[slot(name)]!,
      gradient: slopes[i]!,
      ...shared,
      ...(scale !== undefined && { scale }),
    });
  }
}

/** `sqrt(sum of squares of all elements of all tensors)`, a scalar. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) throw new ConfigError('globalNorm: expected at least one tensor, got none.');
  return sqrt(tensors.map((x) => sum(square(x))).reduce((total, part) => add(total, part)));
}

// 1 - beta^t = 1 - e^-x with x = -t ln(beta), written as 2 tanh(x / 2) / (1 + tanh(x / 2)): near 0 the plain difference loses its digits.
function correction(step: Tensor, beta: number): Tensor {
  if (beta === 0) return fill([], 1);
  const half = tanh(mul(step, -Math.log(beta) / 2));
  return div(mul(half, 2), add(half, 1));
}
