// Space Invaders as an environment: the rules of space-invaders-rules.ts as pictures.
import { BoardGame } from './board-game.ts';
import type { RampingGameOptions } from './board-game.ts';
import { spaceInvadersRules } from './space-invaders-rules.ts';
import type { SpaceInvadersState } from './space-invaders-rules.ts';

const options = ['cellSize', 'frameSize', 'obsType', 'stickyActions', 'difficultyRamping', 'renderMode'];

/**
 * ## Description
 * A cannon in row 9 of a board of 10 rows and 10 columns shoots at a block of aliens that comes down row by row and shoots back. The behaviour is
 * MinAtar's Space Invaders (Young and Tian 2019, arXiv 1903.03176).
 *
 * ## Observation space
 * `Box(0, 255, (20, 20, 3), uint8)`: the board as a picture in red, green, blue, each cell 2 x 2 pixels (`cellSize`), black but for the cannon
 * (0, 200, 0), aliens, (200, 0, 120) while they move to the left and (200, 120, 0) to the right, bullets of the cannon (0, 120, 200) and of aliens
 * (200, 200, 200). Of things in one cell the uppermost is shown, in the order cannon, bullet of the cannon, bullet of an alien, alien; each thing
 * under it brightens the cell by an eighth of its own colour (an alien also by an eighth of (160, 0, 0)), so that no two boards look alike.
 *
 * With `obsType: 'channels'` it is `Box(0, 1, (10, 10, 6), uint8)`, MinAtar's own channels: cannon, alien, alien that moves left, alien that moves
 * right, bullet of the cannon, bullet of an alien. Every observation is a fresh array.
 *
 * ## Action space
 * `Discrete(6)` in MinAtar's order: 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. Up and down do nothing here.
 *
 * Actions are sticky: before each step one uniform number is drawn, and if it is below `stickyActions` the action *executed* in the step
 * before is executed again. The memory begins with no-op and is not cleared by `reset()`: the first step of an episode may repeat the last
 * action of the one before. `reset({ seed })` does clear it, since equal seeds have to give equal episodes.
 *
 * ## Reward
 * +1 for each alien.
 *
 * ## Starting state
 * Always the same: cannon in column 5, ready to fire; aliens in rows 0 to 3 of columns 2 to 7, about to move left. Nothing but stickiness is random.
 *
 * ## Step
 * 1. Fire, when the last shot is 5 steps or more ago, puts a bullet into the cannon's cell; left and right move the cannon by one cell, held within the board.
 * 2. Bullets of the cannon go up a row, those of aliens down a row; they leave the board at its edge.
 * 3. A bullet of an alien, or an alien, in the cannon's cell ends the episode.
 * 4. When the aliens' time has come: if one is in the edge column that they head for, they turn and all go down a row, and the episode ends if one was
 *    in row 9 already; otherwise all move one column. An alien in the cannon's cell ends the episode. The next move comes after as many steps as there
 *    are aliens, at most after the move interval: 12 steps at first. The first one comes in step 13.
 * 5. In steps 11, 21, 31, ... the lowest alien of the occupied column nearest to the cannon (of two, the left one) fires: the bullet appears in its own cell.
 * 6. An alien and a bullet of the cannon in one cell both vanish: +1.
 * 7. When no alien is left a new block appears at once. With `difficultyRamping` the move interval falls by 1, down to 6.
 *
 * What ends an episode does not stop the step: an alien that is hit later in it still counts.
 *
 * ## Episode end
 * Terminated when the cannon meets a bullet or an alien, or when aliens leave row 9 downwards. `make('SpaceInvaders-v0')` truncates after 10,000 steps. A
 * step after the end changes nothing on the board and gives reward 0, terminated.
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
 * A picture by default; NumPy's PCG64 for chance; a seeded reset clears the memory of stickiness; the limit of 10,000 steps.
 */
export class SpaceInvaders extends BoardGame<SpaceInvadersState> {
  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(kwargs: RampingGameOptions = {}) {
    super({ name: 'SpaceInvaders', rules: spaceInvadersRules, options }, kwargs);
  }
}
