// Adam in float64, line by line as in Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1, with the decoupled weight decay of Loshchilov and Hutter 2019
// (arXiv 1711.05101).

interface AdamSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Learning rate times weight decay. */
  readonly decay: number;
  /** What gradients are multiplied with first. */
  readonly scale: number;
}

/** Parameters and moments that change with each step. */
export interface AdamReference {
  readonly x: Float64Array;
  readonly m: Float64Array;
  readonly v: Float64Array;
  step(gradient: (x: number, i: number) => number): void;
}

export function adamReference(
  start: ArrayLike<number>,
  { learningRate, beta1, beta2, epsilon, decay, scale }: AdamSettings,
): AdamReference {
  const x = Float64Array.from(start);
  const m = new Float64Array(x.length);
  const v = new Float64Array(x.length);
  let t = 0;
  return {
    x,
    m,
    v,
    step(gradient) {
      t += 1;
      for (let i = 0; i < x.length; i++) {
        const g = scale * gradient(x[i]!, i);
        m[i] = beta1 * m[i]! + (1 - beta1) * g;
        v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        const mean = m[i]! / (1 - beta1 ** t);
        const variance = v[i]! / (1 - beta2 ** t);
        x[i]! -= decay * x[i]! + (learningRate * mean) / (Math.sqrt(variance) + epsilon);
      }
    },
  };
}
