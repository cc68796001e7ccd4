// The rules that golden/make.py plays by too.
type Policy = (observation: ArrayLike<number>) => number | Float32Array;

export const policies: Readonly<Record<string, Policy>> = {
  balance: (o) => Number(o[2]! + 0.3 * o[3]! + 0.05 * o[0]! + 0.1 * o[1]! > 0),
  pump: (o) => (o[1]! >= 0 ? 2 : 0),
  push: (o) => Float32Array.of(o[1]! >= 0 ? 1 : -1),
  swing: (o) => (o[4]! < 0 ? 2 : 0),
};
