// How fast something goes and when it will be done, over the last seconds: the first steps of a run are slow and say little about
// the rest.

/** The window over which a rate is taken. */
const WINDOW_MS = 20_000;

/** A rate over a sliding window; `nowMs` is a clock in milliseconds. */
export class RateMeter {
  readonly #nowMs: () => number;
  #samples: { readonly at: number; readonly done: number }[];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#samples = [{ at: nowMs(), done: 0 }];
  }

  /** Notes how much is done by now. */
  update(done: number): void {
    const at = this.#nowMs();
    const fresh = this.#samples.findIndex((sample) => at - sample.at <= WINDOW_MS);
    // The newest sample outside the window stays, so that slow steps have a rate too.
    if (fresh > 1) this.#samples = this.#samples.slice(fresh - 1);
    else if (fresh < 0) this.#samples = this.#samples.slice(-1);
    const last = this.#samples.at(-1)!;
    // A quarter of a second a sample bounds the list.
    if (this.#samples.length > 1 && at - this.#samples.at(-2)!.at < 250) this.#samples.pop();
    if (done >= last.done) this.#samples.push({ at, done });
    else this.#samples = [{ at, done }];
  }

  /** Done per second; 0 while nothing is known. */
  get perSecond(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1)!;
    const ms = last.at - first!.at;
    return ms > 0 ? ((last.done - first!.done) / ms) * 1000 : 0;
  }

  /** Seconds until `total` is done; Infinity while nothing is known. */
  secondsLeft(total: number): number {
    const left = total - this.#samples.at(-1)!.done;
    return left <= 0 ? 0 : left / this.perSecond;
  }
}
