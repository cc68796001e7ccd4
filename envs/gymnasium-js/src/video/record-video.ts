// Films some of the episodes (gymnasium.wrappers.RecordVideo), as GIF or animated PNG.
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Env } from '../env.ts';
import { UnsupportedMode } from '../errors.ts';
import { warn } from '../logger.ts';
import { describe } from '../spaces/explain.ts';
import type { EnvState, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from '../wrappers/wrapper.ts';
import { checkVideo, makeVideoFolder, writeVideo } from './video-file.ts';
import type { VideoFormat } from './video-file.ts';
import { cappedCubicVideoSchedule } from './video-schedule.ts';

export interface RecordVideoOptions {
  readonly videoFolder: string;
  /** Which episodes to film, counted from 0; the capped cubic schedule by default, none when there is a `stepTrigger`. */
  readonly episodeTrigger?: ((episodeId: number) => boolean) | undefined;
  /** At which steps, counted from 0 over all episodes, a film begins. */
  readonly stepTrigger?: ((stepId: number) => boolean) | undefined;
  /** Frames of a film, which may then go beyond its episode; 0, the default, films to the end of the episode. */
  readonly videoLength?: number;
  /** `rl-video` by default: `rl-video-episode-0.gif`, `rl-video-step-7.gif`. */
  readonly namePrefix?: string;
  /** By default the environment's `renderFps`, else 30. */
  readonly fps?: number | undefined;
  /** `gif` by default. */
  readonly format?: VideoFormat;
}

/** Writes films while the environment is used; call `close` at the end, it writes the last one. A film under way is no part of a saved state. */
export class RecordVideo<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  readonly videoFolder: string;
  readonly fps: number;
  readonly #options: RecordVideoOptions;
  readonly #format: VideoFormat;
  readonly #videoLength: number;
  #episodeTrigger: ((episodeId: number) => boolean) | undefined;
  #name: string | undefined;
  #frames: NdArray<'uint8'>[] = [];
  #episodeId = -1;
  #stepId = -1;

  /** Throws UnsupportedMode unless the environment renders pictures one at a time, ConfigError for bad options, FileError without the folder. */
  constructor(env: Env<Obs, Act>, options: RecordVideoOptions) {
    super(env, { ...options });
    if (env.renderMode !== 'rgb_array') {
      const wayOut = "Initialize your environment with a renderMode that returns an image, such as 'rgb_array'";
      throw new UnsupportedMode(
        `Render mode is ${String(env.renderMode)}, which is incompatible with RecordVideo. ${wayOut}.`,
      );
    }
    const { videoFolder, videoLength = 0, fps = env.metadata.renderFps ?? 30, format = 'gif' } = options;
    checkVideo('RecordVideo', format, fps);
    if (!Number.isSafeInteger(videoLength) || videoLength < 0) {
      throw new ConfigError(`RecordVideo: expected a whole number >= 0 as videoLength, got ${String(videoLength)}.`);
    }
    if (typeof videoFolder !== 'string') {
      throw new ConfigError(`RecordVideo: expected a path as videoFolder, got ${describe(videoFolder)}.`);
    }
    this.videoFolder = makeVideoFolder(videoFolder);
    this.fps = fps;
    this.#options = options;
    this.#format = format;
    this.#videoLength = videoLength === 0 ? Infinity : videoLength;
    const hasTrigger = options.episodeTrigger !== undefined || options.stepTrigger !== undefined;
    this.#episodeTrigger = hasTrigger ? options.episodeTrigger : cappedCubicVideoSchedule;
  }

  /** Whether a film is under way. */
  get recording(): boolean {
    return this.#name !== undefined;
  }

  /** Frames of the film under way. */
  get recordedFrames(): readonly NdArray<'uint8'>[] {
    return this.#frames;
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    const result = this.env.reset(options);
    this.#episodeId += 1;
    if (this.recording && this.#videoLength === Infinity) this.stopRecording();
    if (this.#episodeTrigger?.(this.#episodeId) === true) this.#start(`episode-${this.#episodeId}`);
    if (this.recording) this.#capture();
    return result;
  }

  override step(action: Act): StepResult<Obs> {
    const result = this.env.step(action);
    this.#stepId += 1;
    if (this.#options.stepTrigger?.(this.#stepId) === true) this.#start(`step-${this.#stepId}`);
    if (this.recording) this.#capture();
    return result;
  }

  /** Begins a film; one under way is written first. */
  startRecording(name: string): void {
    if (this.recording) this.stopRecording();
    this.#name = name;
  }

  /** Writes the film under way and returns its path; undefined when it has no frame. */
  stopRecording(): string | undefined {
    const [name, frames] = [this.#name, this.#frames];
    if (name === undefined) throw new ConfigError('stopRecording was called, but no recording was started.');
    this.#name = undefined;
    this.#frames = [];
    if (frames.length === 0) {
      warn('Ignored saving a video as there were zero frames to save.');
      return undefined;
    }
    return writeVideo(this.videoFolder, name, frames, { format: this.#format, fps: this.fps });
  }

  override close(): void {
    this.env.close();
    if (this.recording) this.stopRecording();
  }

  #start(name: string): void {
    this.startRecording(`${this.#options.namePrefix ?? 'rl-video'}-${name}`);
  }

  #capture(): void {
    const frame = this.env.render();
    if (typeof frame !== 'object' || !('shape' in frame)) {
      this.stopRecording();
      warn(
        `Recording stopped: expected type of frame returned by render to be a picture, got instead ${describe(frame)}.`,
      );
      return;
    }
    this.#frames.push(frame);
    if (this.#frames.length >= this.#videoLength) this.stopRecording();
  }

  protected override saveState(): EnvState {
    return { episodeId: this.#episodeId, stepId: this.#stepId };
  }

  protected override restoreState(data: EnvState): void {
    this.#episodeId = data['episodeId'] as number;
    this.#stepId = data['stepId'] as number;
    this.#name = undefined;
    this.#frames = [];
  }
}
