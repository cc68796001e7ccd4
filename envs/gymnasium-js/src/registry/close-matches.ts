// The nearest known word by the measure of Python's difflib (Ratcliff and Obershelp 1988), so that suggestions are Gymnasium's.

/** `difflib.get_close_matches(word, known, n=1)[0]`: the known word of the highest ratio, at least 0.6; of equal ones the last in order. */
export function closestMatch(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let highest = 0.6;
  for (const candidate of known) {
    const score = ratio(candidate, word);
    if (score > highest || (score === highest && (best === undefined || candidate > best))) {
      best = candidate;
      highest = score;
    }
  }
  return best;
}

function ratio(a: string, b: string): number {
  const length = a.length + b.length;
  return length === 0 ? 1 : (2 * matchingCharacters(a, b)) / length;
}

// Twice recursive: the longest common piece, then the same to the left and to the right of it.
function matchingCharacters(a: string, b: string): number {
  let [start, other, size] = [0, 0, 0];
  let lengths: number[] = [];
  for (let i = 0; i < a.length; i++) {
    const next: number[] = [];
    for (let j = 0; j < b.length; j++) {
      if (a[i] !== b[j]) continue;
      const length = (next[j] = (lengths[j - 1] ?? 0) + 1);
      if (length > size) [start, other, size] = [i - length + 1, j - length + 1, length];
    }
    lengths = next;
  }
  if (size === 0) return 0;
  const left = matchingCharacters(a.slice(0, start), b.slice(0, other));
  return left + size + matchingCharacters(a.slice(start + size), b.slice(other + size));
}
