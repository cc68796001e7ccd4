// Attention of new tokens over a cache: one pass over keys and one over values for each query.
import { softmax } from './rows';
import { V } from './vec';

function dot(a: usize, b: usize, n: i32): f32 {
  let even = f32x4.splat(0);
  let odd = even;
  const end = a + ((<usize>(n & ~7)) << 2);
  for (; a < end; a += 32) {
    even = V.mulAdd(v128.load(a), v128.load(b), even);
    odd = V.mulAdd(v128.load(a, 16), v128.load(b, 16), odd);
    b += 32;
  }
  if (n & 4) {
    even = V.mulAdd(v128.load(a), v128.load(b), even);
    a += 16;
    b += 16;
  }
  const rest = n & 3;
  if (rest) odd = V.mulAdd(V.loadPart(a, rest), V.loadPart(b, rest), odd);
  return V.sum(f32x4.add(even, odd));
}

/** to += weight * from. */
function addScaled(from: usize, to: usize, weight: f32, n: i32): void {
  const w = f32x4.splat(weight);
  const end = to + ((<usize>(n & ~3)) << 2);
  for (; to < end; to += 16) {
    v128.store(to, V.mulAdd(v128.load(from), w, v128.load(to)));
    from += 16;
  }
  const rest = n & 3;
  if (rest) V.storePart(to, V.mulAdd(V.loadPart(from, rest), w, V.loadPart(to, rest)), rest);
}

function clear(y: usize, n: i32): void {
  memory.fill(y, 0, (<usize>n) << 2);
}

/**
 * out [groups, queries, depth]: query i of a group sees the first `filled` rows of its keys and values [length, depth] and the first `added - queries + i + 1` of the
 * new ones [added, depth]. `scores` has room for filled + added numbers.
 */
export function decodeAttention(
  query: usize,
  keys: usize,
  values: usize,
  newKeys: usize,
  newValues: usize,
  out: usize,
  groups: i32,
  queries: i32,
  added: i32,
  filled: i32,
  length: i32,
  depth: i32,
  scores: usize,
): void {
  const row = (<usize>depth) << 2;
  for (let group = 0; group < groups; group++) {
    for (let i = 0; i < queries; i++) {
      const own = added - queries + i + 1;
      let score = scores;
      for (let j = 0; j < filled; j++) {
        store<f32>(score, dot(query, keys + <usize>j * row, depth));
        score += 4;
      }
      for (let j = 0; j < own; j++) {
        store<f32>(score, dot(query, newKeys + <usize>j * row, depth));
        score += 4;
      }
      softmax(scores, scores, 1, filled + own, 1, 0, 1);
      clear(out, depth);
      score = scores;
      for (let j = 0; j < filled; j++) {
        addScaled(values + <usize>j * row, out, load<f32>(score), depth);
        score += 4;
      }
      for (let j = 0; j < own; j++) {
        addScaled(newValues + <usize>j * row, out, load<f32>(score), depth);
        score += 4;
      }
      query += row;
      out += row;
    }
    keys += <usize>length * row;
    values += <usize>length * row;
    newKeys += <usize>added * row;
    newValues += <usize>added * row;
  }
}
