// The nearest code, the spaces it is looked up in, and masks: laws 1 to 12, 27, 29.

import type { Mutant } from '../mutant.ts';
import { law, quantizers } from './places.ts';

// Only of the plain backend: the kernel of the others is not TypeScript.
const nearestCode = 'packages/engine/src/ops/nearest-code.ts';

export const lookup: readonly Mutant[] = [
  {
    name: 'ties-to-the-last',
    what: 'of equally near codes the last is taken',
    file: nearestCode,
    find: 'if (distance < least) {',
    replace: 'if (distance <= least) {',
    tests: [law('lookup')],
    only: '^cpu ',
  },
  {
    name: 'expanded-distance',
    what: '|e|^2 - 2 z.e in float32 without centring: a code does not find itself (raft#1036, scikit-learn#9354)',
    file: nearestCode,
    find: `for (let d = 0; d < width && distance < least; d++) {
          const difference = vectors[row * width + d]! - codes[code * width + d]!;
          distance += difference * difference;
        }`,
    replace: `for (let d = 0; d < width; d++) {
          const [z, e] = [vectors[row * width + d]!, codes[code * width + d]!];
          distance = Math.fround(distance + Math.fround(e * e - 2 * z * e));
        }`,
    tests: [law('lookup')],
    only: '^cpu ',
  },
  {
    name: 'nan-is-code-0',
    what: 'numbers that are none are silently given code 0 (argMin of TensorFlow.js)',
    file: nearestCode,
    find: "checkFinite('the input', vectors, width);",
    replace: '',
    tests: [law('lookup')],
    only: '^cpu ',
  },
  {
    name: 'cosine-of-raw-codes',
    what: 'vectors are put at length 1, codes are not',
    file: quantizers('lookup'),
    find: '=> toSpace(codebook!);',
    replace: '=> codebook!;',
    tests: [law('lookup-symmetries')],
  },
  {
    name: 'cosine-of-zero',
    what: 'the length of a row of zeros is divided by',
    file: quantizers('lookup'),
    find: 'div(x, add(largest, less(largest, 1e-36)))',
    replace: 'div(x, largest)',
    tests: [law('lookup-symmetries')],
  },
  {
    name: 'decode-of-raw-codes',
    what: 'tokens decode to other numbers than quantizing gave (vector-quantize-pytorch#224, #71)',
    file: quantizers('lookup'),
    find: 'leave(state, gather(tableOf(state), tokens))',
    replace: "leave(state, gather(state['codebook']!, tokens))",
    tests: [law('options')],
  },
  {
    name: 'masked-tokens-are-code-0',
    what: 'masked vectors come out as code 0',
    file: quantizers('masks'),
    find: 'new Int32Array(size).fill(-1)',
    replace: 'new Int32Array(size)',
    tests: [law('masks')],
  },
  {
    name: 'mask-hides-nothing',
    what: 'the numbers of masked vectors are multiplied by 0, so that NaN stays NaN',
    file: quantizers('masks'),
    find: 'return mask === undefined ? x : where(mask, x, zeros(x));',
    replace: 'return mask === undefined ? x : mul(x, reshape(mask, x.shape.map((n, axis) => (axis === 0 ? n : 1))));',
    tests: [law('masks')],
  },
  {
    name: 'mask-lost-in-counts',
    what: 'masked vectors are counted, and averages move by them',
    file: quantizers('statistics'),
    find: 'mask === undefined ? fill([rows, 1], 1) : reshape(mask, [rows, 1])',
    replace: 'fill([rows, 1], 1)',
    tests: [law('masks')],
  },
  {
    name: 'mask-lost-on-the-way',
    what: 'the mask of a sequence or an image never arrives (vector-quantize-pytorch#149)',
    file: quantizers('any-rank'),
    find: 'mask: mask && reshape(mask, [rows]),',
    replace: '',
    tests: [law('options')],
  },
];
