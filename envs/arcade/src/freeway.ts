// Freeway as an environment: the rules of freeway-rules.ts as pictures.
import { BoardGame } from './board-game.ts';
import type { BoardGameOptions } from './board-game.ts';
import { freewayRules } from './freeway-rules.ts';
import type { FreewayState } from './freeway-rules.ts';

const options = ['cellSize', 'frameSize', 'obsType', 'stickyActions', 'renderMode'];

/**
 * ## Description
 * A chicken crosses eight lanes of cars, as often as it can in 2501 steps; a car that hits it sends it back. The behaviour is MinAtar's Freeway (Young
 * and Tian 2019, arXiv 1903.03176).
 *
 * ## Observation space
 * `Box(0, 255, (20, 20, 3), uint8)`: the board as a picture in red, green, blue, each cell 2 x 2 pixels (`cellSize`), black but for the chicken
 * (200, 200, 0), cars (200, 0, 0), and the cell behind each car, which shows where it is going and, by its colour, its speed s from 1 to 5:
 * (0, 51 (5 - s), 51 s). It is at the other edge when the car has just come in. Of things in one cell the uppermost is shown, in this order; the one under it
 * brightens the cell by an eighth of its own colour.
 *
 * With `obsType: 'channels'` it is `Box(0, 1, (10, 10, 7), uint8)`, MinAtar's own channels: chicken, car, and the cells behind cars of speed 1 to 5. Every
 * observation is a fresh array.
 *
 * ## Action space
 * `Discrete(6)` in MinAtar's order: 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. Only up and down do something here.
 *
 * Actions are sticky: before each step one uniform number is drawn, and if it is below `stickyActions` the action *executed* in the step
 * before is executed again. The memory begins with no-op and is not cleared by `reset()`: the first step of an episode may repeat the last
 * action of the one before. `reset({ seed })` does clear it, since equal seeds have to give equal episodes.
 *
 * ## Reward
 * +1 for each crossing, at most 92 in an episode.
 *
 * ## Starting state
 * The chicken in row 9 of column 4, which it never leaves, not able to move before step 4. A car in column 0 of each row from 1 to 8; its speed, 1 to 5, and its
 * direction are drawn uniformly, first all speeds and then all directions.
 *
 * ## Step
 * 1. Up or down moves the chicken by one row, held within the board, when its last move is 3 steps or more ago; down in row 9 counts as a move.
 * 2. In row 0: +1, the chicken is back in row 9, and all cars get new speeds and directions where they are.
 * 3. Car by car, row 1 first: a car in the chicken's cell sends it back to row 9. A car of speed s moves in every (s + 1)-th step, around the edges of the
 *    board, and where it comes upon the chicken it sends it back as well.
 *
 * ## Episode end
 * Terminated after exactly 2501 steps. A step after that changes nothing on the board and gives reward 0, terminated.
 *
 * ## Arguments
 * `cellSize` (default 2) or `frameSize` (any side from 10 to 640 pixels), `obsType` (default `'rgb'`), `stickyActions` (default 0.1),
 * `renderMode: 'rgb_array'`.
 *
 * ## Info
 * `executedAction` after each step: the action after stickiness.
 *
 * ## Version history
 * - v0: first version.
 *
 * ## Differences to MinAtar
 * A picture by default; NumPy's PCG64 for chance; one generator for the game and stickiness also without a seed; a seeded reset clears the memory of
 * stickiness.
 */
export class Freeway extends BoardGame<FreewayState> {
  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(kwargs: BoardGameOptions = {}) {
    super({ name: 'Freeway', rules: freewayRules, options }, kwargs);
  }
}
