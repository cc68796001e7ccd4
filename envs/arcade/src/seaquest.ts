// Seaquest as an environment: the rules of seaquest-rules.ts as pictures.
import { BoardGame } from './board-game.ts';
import type { RampingGameOptions } from './board-game.ts';
import { seaquestRules } from './seaquest-rules.ts';
import type { SeaquestState } from './seaquest-state.ts';

const options = ['cellSize', 'frameSize', 'obsType', 'stickyActions', 'difficultyRamping', 'renderMode'];

/**
 * ## Description
 * A submarine shoots fish and enemy submarines and picks up divers, and has to surface for air with at least one of them aboard. The behaviour is MinAtar's
 * Seaquest (Young and Tian 2019, arXiv 1903.03176).
 *
 * ## Observation space
 * `Box(0, 255, (20, 20, 3), uint8)`: the board as a picture in red, green, blue, each cell 2 x 2 pixels (`cellSize`). Row 0 is the surface, rows 1 to 8 the sea.
 * Black but for the front of the submarine (0, 200, 0), its back (0, 120, 0), bullets of enemies (180, 120, 180), own bullets (120, 200, 200), enemy
 * submarines (200, 0, 40), fish (200, 80, 0), divers (40, 80, 200), and the cell behind each of these three (0, 0, 80), which shows where it is going. In row 9
 * the gauge of divers aboard (0, 80, 200), one cell for each from column 8 to the left, and that of oxygen (120, 120, 120), one cell for each full 20 units
 * from column 0 to the right. Of things in one cell the uppermost is shown, in this order; each thing under it brightens the cell by an eighth of its own colour.
 *
 * With `obsType: 'channels'` it is `Box(0, 1, (10, 10, 10), uint8)`, MinAtar's own channels: front, back, own bullet, trail, bullet of an enemy, fish, enemy
 * submarine, oxygen gauge, diver gauge, diver. Every observation is a fresh array.
 *
 * ## Action space
 * `Discrete(6)` in MinAtar's order: 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire.
 *
 * Actions are sticky: before each step one uniform number is drawn, and if it is below `stickyActions` the action *executed* in the step
 * before is executed again. The memory begins with no-op and is not cleared by `reset()`: the first step of an episode may repeat the last
 * action of the one before. `reset({ seed })` does clear it, since equal seeds have to give equal episodes.
 *
 * ## Reward
 * +1 for each fish and enemy submarine that is shot. For surfacing with exactly six divers one more for each cell of the oxygen gauge, 0 to 9.
 *
 * ## Starting state
 * Always the same: the submarine in row 0 and column 5, facing left; 200 units of oxygen, nobody aboard, and an empty sea.
 *
 * ## Step
 * 1. In steps 21, 41, ... an enemy enters from the left or from the right: an enemy submarine with probability 1/3 and a fish otherwise, in one of rows 1 to 8. Each of
 *    the three is drawn uniformly, in this order. It does not enter where a fish or enemy submarine of its row goes the other way. In steps 31, 61, ... a diver
 *    enters: side and row are drawn likewise.
 * 2. Fire, when the last shot is 5 steps or more ago, puts a bullet into the front cell; left and right move by one cell and turn the submarine, up and down move by
 *    one row, held within rows 0 to 8.
 * 3. Own bullets go one cell ahead. One that meets a fish, or else an enemy submarine, vanishes with it: +1.
 * 4. A diver in the front cell comes aboard while there are fewer than 6. Divers move one column every 6 steps.
 * 5. Enemy submarines, then their bullets, then fish: touching the front cell, before or after they move, ends the episode. Bullets go one cell a step, the others one every 6
 *    steps; where they meet an own bullet they vanish with it: +1. A submarine fires 10 steps after it has entered, then every 11 steps. Everything leaves at the edges.
 * 6. Without oxygen the episode ends. Below row 0 one unit is used. Back in row 0: with exactly 0 divers the episode ends. With 6 divers comes the bonus, and all leave. Then the
 *    tank is full again and one diver less aboard, also after the bonus: the count is then -1, and may fall further.
 * 7. With `difficultyRamping` each surfacing lets enemies enter one step faster after each other, from 20 steps between them down to 1, and every second one lets them move
 *    one step faster, from every 6 steps down to every 3.
 *
 * What ends an episode does not stop the step: what is hit later in it still counts.
 *
 * ## Episode end
 * Terminated by touching an enemy or its bullet with the front cell, by running out of oxygen, and by surfacing with nobody aboard. Staying at the surface from the start is
 * safe for ever; `make('Seaquest-v0')` truncates after 10,000 steps. A step after the end changes nothing on the board and gives reward 0, terminated.
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
export class Seaquest extends BoardGame<SeaquestState> {
  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(kwargs: RampingGameOptions = {}) {
    super({ name: 'Seaquest', rules: seaquestRules, options }, kwargs);
  }
}
