import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { expectClose, kernelsOn, noise, TestMemory } from './test-memory.ts';

const memory = new TestMemory();
const kernels = await kernelsOn(memory);

describe('adam', () => {
  test.prop([fc.integer({ min: 0, max: 13 }), fc.nat(1000), fc.constantFrom(0, 0.1), fc.constantFrom(1, 0.5)])(
    'follows the paper for several steps',
    (n, seed, weightDecay, gradientScale) => {
      memory.reset();
      const [learningRate, beta1, beta2, epsilon] = [0.01, 0.9, 0.999, 1e-8];
      const start = noise(n, seed);
      const [p, m, v] = [Float64Array.from(start), new Float64Array(n), new Float64Array(n)];
      const [param, mean, variance] = [memory.float32(start), memory.float32(m), memory.float32(v)];
      for (let t = 1; t <= 5; t++) {
        const g = noise(n, seed + t).map((x) => x * 10);
        const [correction1, correction2] = [1 - beta1 ** t, 1 - beta2 ** t];
        const constants = { learningRate, beta1, beta2, epsilon, correction1, correction2, weightDecay, gradientScale };
        kernels.adam({ param, m: mean, v: variance, gradient: memory.float32(g), n, ...constants });
        for (let i = 0; i < n; i++) {
          const scaled = (g[i] as number) * gradientScale;
          m[i] = beta1 * (m[i] as number) + (1 - beta1) * scaled;
          v[i] = beta2 * (v[i] as number) + (1 - beta2) * scaled ** 2;
          const step = (m[i] as number) / correction1 / (Math.sqrt((v[i] as number) / correction2) + epsilon);
          p[i] = (p[i] as number) - learningRate * (step + weightDecay * (p[i] as number));
        }
      }
      expectClose(memory.readFloat32(mean, n), m, 1e-6, () => 10);
      expectClose(memory.readFloat32(variance, n), v, 1e-6);
      expectClose(memory.readFloat32(param, n), p, 5e-7, () => 1);
      memory.expectGuardsIntact();
    },
  );

  test('a zero gradient from the start moves nothing', () => {
    memory.reset();
    const [param, m, v, gradient] = [
      [1, 2],
      [0, 0],
      [0, 0],
      [0, 0],
    ].map((x) => memory.float32(x)) as [number, number, number, number];
    const constants = {
      learningRate: 1,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      correction1: 0.1,
      correction2: 0.001,
    };
    kernels.adam({ param, m, v, gradient, n: 2, ...constants });
    expect([...memory.readFloat32(param, 2)]).toEqual([1, 2]);
  });
});
