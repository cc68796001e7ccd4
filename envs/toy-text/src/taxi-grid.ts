// The world of Taxi as numbers: states, walls, places; without pictures and without chance.
import type { Transition } from './tabular-env.ts';

export const taxiMap = [
  '+---------+',
  '|R: | : :G|',
  '| : | : : |',
  '| : : : : |',
  '| | : | : |',
  '|Y| : |B: |',
  '+---------+',
] as const;
export const side = 5;
export const numStates = 500;
export const inTaxi = 4;
const last = side - 1;

/** Row and column of red, green, yellow and blue. */
export const places: readonly (readonly [row: number, column: number])[] = [
  [0, 0],
  [0, 4],
  [4, 0],
  [4, 3],
];

/** All there is to a state; `passenger` and `destination` are indices of `places`, and `passenger` may be 4: in the taxi. */
export interface TaxiState {
  readonly row: number;
  readonly column: number;
  readonly passenger: number;
  readonly destination: number;
}

export const encode = ({ row, column, passenger, destination }: TaxiState): number =>
  ((row * side + column) * 5 + passenger) * 4 + destination;

export const decode = (state: number): TaxiState => ({
  row: Math.floor(state / 100),
  column: Math.floor(state / 20) % side,
  passenger: Math.floor(state / 4) % 5,
  destination: state % 4,
});

const placeAt = (row: number, column: number): number => places.findIndex(([r, c]) => r === row && c === column);
const isOpenEast = (row: number, column: number): boolean => taxiMap[1 + row]![2 * column + 2] === ':';
const isOpenWest = (row: number, column: number): boolean => taxiMap[1 + row]![2 * column] === ':';

/** South, north, east, west. */
const directions = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;
/** Left and right of each of them, as who drives sees it. */
const sides = [
  [2, 3],
  [3, 2],
  [1, 0],
  [0, 1],
] as const;

const canMove = (row: number, column: number, direction: number): boolean =>
  [row < last, row > 0, isOpenEast(row, column), isOpenWest(row, column)][direction]!;

/** int8 [6], 1 for each action that changes the state. */
export function actionMask(state: number): Int8Array {
  const { row, column, passenger } = decode(state);
  const place = placeAt(row, column);
  return Int8Array.of(
    ...[0, 1, 2, 3].map((direction) => Number(canMove(row, column, direction))),
    Number(passenger < inTaxi && place === passenger),
    Number(passenger === inTaxi && place >= 0),
  );
}

/** What an action leads to. In the rain, a move that is possible goes to its left and right with half of what `straight` leaves to 1 each. */
export function taxiTransitions(state: number, action: number, straight: number | undefined): Transition[] {
  const at = decode(state);
  const { row, column } = at;
  if (action >= 4) return [{ probability: 1, ...(action === 4 ? pickUp(at) : dropOff(at)) }];
  const isPossible = canMove(row, column, action);
  const moved = (direction: number, isFree: boolean, probability: number): Transition => {
    const [dy, dx] = isFree ? directions[direction]! : [0, 0];
    const to = encode({ ...at, row: row + dy, column: column + dx });
    return { probability, state: to, reward: -1, terminated: false };
  };
  if (straight === undefined) return [moved(action, isPossible, 1)];
  const aside = (1 - straight) / 2;
  const sideways = sides[action]!.map((direction) =>
    moved(direction, isPossible && canMove(row, column, direction), aside),
  );
  return [moved(action, isPossible, straight), ...sideways];
}

type Outcome = Omit<Transition, 'probability'>;

function pickUp(at: TaxiState): Outcome {
  const isThere = at.passenger < inTaxi && placeAt(at.row, at.column) === at.passenger;
  const state = encode(isThere ? { ...at, passenger: inTaxi } : at);
  return { state, reward: isThere ? -1 : -10, terminated: false };
}

function dropOff(at: TaxiState): Outcome {
  const place = placeAt(at.row, at.column);
  if (at.passenger !== inTaxi || place < 0) return { state: encode(at), reward: -10, terminated: false };
  const isThere = place === at.destination;
  return { state: encode({ ...at, passenger: place }), reward: isThere ? 20 : -1, terminated: isThere };
}
