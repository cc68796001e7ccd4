// Collects the frames of an environment that renders one at a time (gymnasium.wrappers.RenderCollection): the modes `*_list` of `make`.
import type { Env } from '../env.ts';
import { UnsupportedMode } from '../errors.ts';
import type {
  EnvState,
  RenderFrame,
  RenderResult,
  ResetOptions,
  ResetResult,
  StepResult,
  TypedArray,
} from '../types.ts';
import { Wrapper } from './wrapper.ts';

export interface RenderCollectionOptions {
  /** Whether `render` empties the list; true by default. */
  readonly popFrames?: boolean;
  /** Whether `reset` empties the list; true by default. */
  readonly resetClean?: boolean;
}

/** `render` returns the frames of the reset and of every step since the last call, in order. */
export class RenderCollection<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  readonly popFrames: boolean;
  readonly resetClean: boolean;
  #frames: RenderFrame[] = [];

  /** Throws UnsupportedMode when the environment has no render mode, or one that is a list already. */
  constructor(env: Env<Obs, Act>, options: RenderCollectionOptions = {}) {
    const { popFrames = true, resetClean = true } = options;
    super(env, { ...options });
    const { renderMode } = env;
    if (renderMode === undefined || renderMode.endsWith('_list')) {
      const expected = 'expected an environment with a renderMode that is no list';
      throw new UnsupportedMode(`RenderCollection: ${expected}, got ${JSON.stringify(renderMode)}.`);
    }
    this.popFrames = popFrames;
    this.resetClean = resetClean;
    const { renderModes } = env.metadata;
    const own = `${renderMode}_list`;
    this.metadata = { ...env.metadata, renderModes: renderModes.includes(own) ? renderModes : [...renderModes, own] };
  }

  override get renderMode(): string {
    return `${this.env.renderMode}_list`;
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    const result = this.env.reset(options);
    if (this.resetClean) this.#frames = [];
    this.#capture();
    return result;
  }

  override step(action: Act): StepResult<Obs> {
    const result = this.env.step(action);
    this.#capture();
    return result;
  }

  #capture(): void {
    const frame = this.env.render() as RenderFrame | undefined;
    if (frame !== undefined) this.#frames.push(frame);
  }

  override render(): RenderResult {
    const frames = this.#frames;
    if (!this.popFrames) return [...frames];
    this.#frames = [];
    return frames;
  }

  // A frame is an object with a typed array in it: plain data, and never written to again.
  protected override saveState(): EnvState {
    return { frames: [...this.#frames] as unknown as EnvState[] };
  }

  protected override restoreState(data: EnvState): void {
    this.#frames = [...(data['frames'] as unknown as RenderFrame[])];
  }
}
