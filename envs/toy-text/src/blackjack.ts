// Blackjack (gymnasium/envs/toy_text/blackjack.py), number for number.
import { booleanOption, checkAction, checkKwargs, Discrete, Env, EnvRenderer, ResetNeeded, Tuple } from 'gymnasium-js';
import type {
  EnvMetadata,
  EnvState,
  RenderFrame,
  RenderOptions,
  ResetOptions,
  ResetResult,
  StepResult,
} from 'gymnasium-js';
import { blackjackLayout, drawBlackjack } from './blackjack-picture.ts';

export interface BlackjackOptions extends RenderOptions {
  /** Reward 1.5 for winning with a natural (an ace and a ten as the first two cards); false by default, ignored with `sab`. */
  readonly natural?: boolean | undefined;
  /** The rules of Sutton and Barto's book: a natural wins unless the dealer has one too. False by default, true in `Blackjack-v1`. */
  readonly sab?: boolean | undefined;
}

/** The player's sum, the dealer's open card (1 is an ace), and whether the player has an ace that counts 11 (0 or 1). */
export type BlackjackObservation = [playerSum: number, dealerCard: number, usableAce: number];

const owner = 'BlackjackEnv';
const deck = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10];
const suits = ['C', 'D', 'H', 'S'] as const;
const courtCards = ['J', 'Q', 'K'] as const;

/**
 * ## Description
 * The player wants cards whose sum is closer to 21 than the dealer's, without going over it. Cards come from an endless deck; court cards count 10, an ace counts 11 where
 * that is not too much (a usable ace), else 1. Example 5.1 of Sutton and Barto, "Reinforcement Learning: An Introduction".
 *
 * ## Action space
 * `Discrete(2)`: 0 stick, 1 hit (take a card).
 *
 * ## Observation space
 * `Tuple(Discrete(32), Discrete(11), Discrete(2))`: an array of the player's sum, the dealer's open card (1 to 10, 1 is an ace), and whether the player has a usable ace.
 *
 * ## Reward
 * 1 for winning, -1 for losing, 0 for a draw; with `natural` (and without `sab`) 1.5 for winning with a natural.
 *
 * ## Starting state
 * Two cards each; one of the dealer's is open.
 *
 * ## Step
 * After a hit over 21 the player has lost. After sticking, the dealer draws until the sum is 17 or more; over 21 the player wins, else the larger sum does.
 *
 * ## Episode end
 * Terminated when the player goes over 21 or sticks. `make` does not truncate.
 *
 * ## Info
 * Empty.
 *
 * ## Arguments
 * `natural` (default false), `sab` (default false, true in `Blackjack-v1`), `renderMode: 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v1: naturals fixed.
 * - v0: first version.
 */
export class BlackjackEnv extends Env<BlackjackObservation, number> {
  readonly metadata: EnvMetadata = { renderModes: blackjackLayout.modes, renderFps: 4 };
  readonly actionSpace: Discrete = new Discrete(2);
  readonly observationSpace: Tuple<readonly [Discrete, Discrete, Discrete]> = new Tuple([
    new Discrete(32),
    new Discrete(11),
    new Discrete(2),
  ]);
  readonly #natural: boolean;
  readonly #sab: boolean;
  readonly #renderer: EnvRenderer;
  #dealer: number[] = [];
  #player: number[] = [];
  /** How the dealer's open card looks: suit and value, like `H10` or `SQ`. */
  #openCard = '';

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: BlackjackOptions = {}) {
    super();
    checkKwargs(owner, { ...options }, ['natural', 'sab', 'renderMode', 'renderSize']);
    this.#natural = booleanOption(owner, 'natural', options.natural, false);
    this.#sab = booleanOption(owner, 'sab', options.sab, false);
    this.#renderer = new EnvRenderer(owner, options, blackjackLayout);
  }

  override get renderMode(): string | undefined {
    return this.#renderer.mode;
  }

  reset(options?: ResetOptions): ResetResult<BlackjackObservation> {
    this.seedRandom(options);
    const { npRandom } = this;
    this.#dealer = [this.#draw(), this.#draw()];
    this.#player = [this.#draw(), this.#draw()];
    const suit = suits[npRandom.choice(suits.length)]!;
    const card = this.#dealer[0]!;
    const value = card === 1 ? 'A' : card === 10 ? courtCards[npRandom.choice(courtCards.length)]! : String(card);
    this.#openCard = suit + value;
    return { observation: this.#observe(), info: {} };
  }

  step(action: number): StepResult<BlackjackObservation> {
    const isHit = checkAction(owner, this.actionSpace, action) === 1;
    if (this.#player.length === 0) throw new ResetNeeded(`${owner}: Call reset before using step method.`);
    let reward = 0;
    if (isHit) {
      this.#player.push(this.#draw());
      if (sumOf(this.#player) > 21) reward = -1;
    } else {
      while (sumOf(this.#dealer) < 17) this.#dealer.push(this.#draw());
      reward = this.#settle();
    }
    const terminated = !isHit || reward === -1;
    return { observation: this.#observe(), reward, terminated, truncated: false, info: {} };
  }

  // What sticking brings, with all cards on the table.
  #settle(): number {
    const reward = Math.sign(score(this.#player) - score(this.#dealer));
    const isNatural = isNaturalHand(this.#player);
    if (this.#sab) return isNatural && !isNaturalHand(this.#dealer) ? 1 : reward;
    return this.#natural && isNatural && reward === 1 ? 1.5 : reward;
  }

  #draw(): number {
    return deck[this.npRandom.choice(deck.length)]!;
  }

  #observe(): BlackjackObservation {
    return [sumOf(this.#player), this.#dealer[0]!, Number(hasUsableAce(this.#player))];
  }

  override render(): RenderFrame | undefined {
    const hasState = this.#player.length > 0;
    const [sum, , usableAce] = hasState ? this.#observe() : [0, 0, 0];
    return this.#renderer.render({
      id: this.spec?.id ?? owner,
      hasState,
      draw: (raster) => drawBlackjack(raster, { openCard: this.#openCard, sum, usableAce: usableAce === 1 }),
    });
  }

  protected override saveState(): EnvState {
    return { dealer: [...this.#dealer], player: [...this.#player], openCard: this.#openCard };
  }

  protected override restoreState(data: EnvState): void {
    this.#dealer = [...(data['dealer'] as number[])];
    this.#player = [...(data['player'] as number[])];
    this.#openCard = data['openCard'] as string;
  }
}

const plainSum = (hand: readonly number[]): number => hand.reduce((sum, card) => sum + card, 0);
const hasUsableAce = (hand: readonly number[]): boolean => hand.includes(1) && plainSum(hand) + 10 <= 21;
const sumOf = (hand: readonly number[]): number => plainSum(hand) + (hasUsableAce(hand) ? 10 : 0);
const score = (hand: readonly number[]): number => (sumOf(hand) > 21 ? 0 : sumOf(hand));
const isNaturalHand = (hand: readonly number[]): boolean => hand.length === 2 && hand.includes(1) && hand.includes(10);
