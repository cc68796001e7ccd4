import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { RoundMetrics } from '../../src/agent/round-metrics.ts';

const values = fc.dictionary(fc.constantFrom('a', 'b/c', 'd'), fc.double({ min: -1e6, max: 1e6 }));

describe('RoundMetrics', () => {
  test('means by name; NaN is nothing to measure', () => {
    const metrics = new RoundMetrics();
    metrics.add({ loss: 1, churn: NaN });
    metrics.add({ loss: 2 });
    metrics.add({ loss: 6, usage: 0.5 });
    expect(metrics.means()).toEqual({ loss: 3, usage: 0.5 });
    metrics.clear();
    expect(metrics.means()).toEqual({});
  });

  test.prop([fc.array(values), fc.array(values)])(
    'going on from a state, by way of JSON, is going on',
    (before, after) => {
      const whole = new RoundMetrics();
      const first = new RoundMetrics();
      for (const each of before) {
        whole.add(each);
        first.add(each);
      }
      const second = new RoundMetrics();
      second.add({ gone: 1 });
      second.loadState(JSON.parse(JSON.stringify(first.state())) as ReturnType<RoundMetrics['state']>);
      for (const each of after) {
        whole.add(each);
        second.add(each);
        // A state is a copy.
        first.add({ a: 1e9 });
      }
      // JSON has no -0.
      expect(second.means()).toEqual(JSON.parse(JSON.stringify(whole.means())));
    },
  );
});
