// The suggestion at the end of an error about an unknown name: the known name at the smallest edit distance
// (Damerau-Levenshtein, the "optimal string alignment" form, where swapping two neighbours is one edit).

const longestWord = 100;

/**
 * The sentence ` Did you mean 'x'?` for the known word nearest to `word`, or `''` when none is near.
 *
 * Near means at most `max(1, floor(length / 3))` edits, upper and lower case being equal. The first of equally near words wins.
 */
export function didYouMean(word: string, known: readonly string[]): string {
  if (word.length > longestWord) return '';
  const wanted = word.toLowerCase();
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, substituted);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
