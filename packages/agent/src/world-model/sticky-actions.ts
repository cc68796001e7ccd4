// What becomes of an action: some environments repeat the one before instead (sticky actions, Machado et al. 2018, arXiv 1709.06009). A world model that is told
// what was executed has nothing to guess; so that imagination is as the environment is, it repeats actions as often as the environment was seen to.
import { generatorOf } from '../row-generators.ts';
import type { RowGenerators } from '../row-generators.ts';
import { setActions } from './windows.ts';
import type { Starts } from './windows.ts';

/** Actions of consecutive steps of one episode, as a chunk has them. */
export interface ExecutedSteps {
  /** [T]: as chosen. */
  readonly actions: Int32Array;
  /** [T]: as the environment says that it took them. */
  readonly executedActions: Int32Array;
}

/** How often the action before was repeated, out of the steps in which that would have been seen. */
export interface StickyCounts {
  readonly repeated: number;
  readonly possible: number;
}

/** How sticky an environment's actions are, as far as was seen, and imagined steps like its own. */
export class StickyActions {
  #counts: StickyCounts = { repeated: 0, possible: 0 };

  get counts(): StickyCounts {
    return this.#counts;
  }

  set counts(counts: StickyCounts) {
    this.#counts = counts;
  }

  /** How often an action is replaced by the one executed before, in [0, 1]; 0 as long as nothing was seen. */
  get probability(): number {
    const { repeated, possible } = this.#counts;
    return possible === 0 ? 0 : repeated / possible;
  }

  /** Learns from steps. Those in which another action than the one before was chosen tell; the first one of a chunk does not. */
  observe({ actions, executedActions }: ExecutedSteps): void {
    let { repeated, possible } = this.#counts;
    for (let step = 1; step < actions.length; step++) {
      const before = executedActions[step - 1];
      if (actions[step] === before) continue;
      possible++;
      if (executedActions[step] === before) repeated++;
    }
    this.#counts = { repeated, possible };
  }

  /**
   * Puts into a window, for each row, the action that is executed when `chosen` is: the one before with `probability`, one `random()` a row where that is not 0.
   * A window of a single frame does not know the action before; there, and at the start of an episode, it is the chosen one.
   */
  execute(window: Starts, chosen: Int32Array, generator: RowGenerators): void {
    const { probability } = this;
    setActions(window, probability === 0 ? chosen : this.#drawn(window, chosen, generator));
  }

  #drawn({ actions }: Starts, chosen: Int32Array, generator: RowGenerators): Int32Array {
    const context = actions.shape[1]!;
    return chosen.map((action, row) => {
      const repeats = generatorOf(generator, row).random() < this.probability;
      const before = context > 1 ? actions.data[row * context + context - 2]! : action;
      // What stands for "the episode began later" is no action that could be repeated.
      return repeats && before < this.#actionCount ? before : action;
    });
  }

  readonly #actionCount: number;

  constructor(actionCount: number) {
    this.#actionCount = actionCount;
  }
}
