// Asterix as an environment: the rules of asterix-rules.ts as pictures.
import { asterixRules } from './asterix-rules.ts';
import type { AsterixState } from './asterix-rules.ts';
import { BoardGame } from './board-game.ts';
import type { RampingGameOptions } from './board-game.ts';

const options = ['cellSize', 'frameSize', 'obsType', 'stickyActions', 'difficultyRamping', 'renderMode'];

/**
 * ## Description
 * Gold and enemies cross a board of 10 rows and 10 columns from side to side; the player takes the gold and keeps away from the enemies. The
 * behaviour is MinAtar's Asterix (Young and Tian 2019, arXiv 1903.03176).
 *
 * ## Observation space
 * `Box(0, 255, (20, 20, 3), uint8)`: the board as a picture in red, green, blue, each cell 2 x 2 pixels (`cellSize`), black but for the player
 * (0, 200, 0), enemies (200, 0, 0), gold (200, 200, 0), and the cell behind each of these two (0, 0, 120), which shows where it is going. Of things in one
 * cell the uppermost is shown, in this order; each thing under it brightens the cell by an eighth of its own colour.
 *
 * With `obsType: 'channels'` it is `Box(0, 1, (10, 10, 4), uint8)`, MinAtar's own channels: player, enemy, trail, gold. Every observation is a fresh array.
 *
 * ## Action space
 * `Discrete(6)` in MinAtar's order: 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. Fire does nothing here.
 *
 * Actions are sticky: before each step one uniform number is drawn, and if it is below `stickyActions` the action *executed* in the step
 * before is executed again. The memory begins with no-op and is not cleared by `reset()`: the first step of an episode may repeat the last
 * action of the one before. `reset({ seed })` does clear it, since equal seeds have to give equal episodes.
 *
 * ## Reward
 * +1 for each gold.
 *
 * ## Starting state
 * Always the same: the player in row 5 and column 5, and nothing else.
 *
 * ## Step
 * 1. In steps 11, 21, 31, ... something enters: from the left or from the right, gold with probability 1/3 and an enemy otherwise, in one of the rows 1 to 8 that
 *    are empty. Each of the three is drawn uniformly, in this order; when no row is empty, only the first two.
 * 2. The player moves by one cell, held within rows 1 to 8 and columns 0 to 9.
 * 3. Gold in its cell is taken: +1. An enemy in its cell ends the episode.
 * 4. In steps 6, 11, 16, ... everything moves one column ahead, and leaves at the edge; where it meets the player the same happens as above.
 * 5. With `difficultyRamping`, every 102 steps things enter one step faster after each other, from 10 steps between them down to 1, and every second time they
 *    also move one step faster, from 5 steps down to 1. A change counts from the next time on.
 *
 * ## Episode end
 * Terminated when an enemy touches the player. `make('Asterix-v0')` truncates after 10,000 steps. A step after the end changes nothing on the board and
 * gives reward 0, terminated.
 *
 * ## Arguments
 * `cellSize` (default 2) or `frameSize` (any side from 10 to 640 pixels), `obsType` (default `'rgb'`), `stickyActions` (default 0.1), `difficultyRamping`
 * (default true), `renderMode: 'rgb_array'`.
 *
 * ## Info
 * `rampIndex`, how often the game has grown harder; `executedAction` after each step: the action after stickiness.
 *
 * ## Version history
 * - v0: first version.
 *
 * ## Differences to MinAtar
 * A picture by default; NumPy's PCG64 for chance; one generator for the game and stickiness also without a seed; a seeded reset clears the memory of
 * stickiness; the limit of 10,000 steps.
 */
export class Asterix extends BoardGame<AsterixState> {
  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(kwargs: RampingGameOptions = {}) {
    super({ name: 'Asterix', rules: asterixRules, options }, kwargs);
  }
}
