// Films out of frames that were collected elsewhere (gymnasium.utils.save_video.save_video).
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe } from '../spaces/explain.ts';
import { checkVideo, makeVideoFolder, writeVideo } from './video-file.ts';
import type { VideoFormat } from './video-file.ts';
import { cappedCubicVideoSchedule } from './video-schedule.ts';

export interface SaveVideoOptions {
  readonly videoFolder: string;
  /** Which episodes to save; the capped cubic schedule by default, nothing when there is a `stepTrigger`. */
  readonly episodeTrigger?: ((episodeId: number) => boolean) | undefined;
  /** At which steps a film begins. */
  readonly stepTrigger?: ((stepId: number) => boolean) | undefined;
  /** The largest number of frames in a film; all by default. */
  readonly videoLength?: number | undefined;
  /** `rl-video` by default. */
  readonly namePrefix?: string;
  /** Number of this episode; 0 by default. */
  readonly episodeIndex?: number;
  /** Number of the step that led to frame 1; 0 by default. */
  readonly stepStartingIndex?: number;
  /** Frames per second: `env.metadata.renderFps`. */
  readonly fps: number;
  /** `gif` by default. */
  readonly format?: VideoFormat;
}

/** Saves the frames of one episode, frame 0 being that of the reset, when a trigger says so; returns the paths of the films. */
export function saveVideo(frames: readonly NdArray<'uint8'>[], options: SaveVideoOptions): string[] {
  const { stepTrigger, videoLength, namePrefix = 'rl-video', episodeIndex = 0, fps, format = 'gif' } = options;
  const { episodeTrigger = stepTrigger === undefined ? cappedCubicVideoSchedule : undefined } = options;
  if (!Array.isArray(frames)) {
    throw new ConfigError(`saveVideo: Expected a list of frames, got ${describe(frames)} instead.`);
  }
  checkVideo('saveVideo', format, fps);
  const folder = makeVideoFolder(options.videoFolder);
  const saved: string[] = [];
  const save = (name: string, from: number): void => {
    const part = frames.slice(from, videoLength === undefined ? undefined : from + videoLength);
    if (part.length > 0) saved.push(writeVideo(folder, `${namePrefix}-${name}`, part, { format, fps }));
  };
  if (episodeTrigger?.(episodeIndex) === true) save(`episode-${episodeIndex}`, 0);
  for (let frame = 1; frame < frames.length; frame++) {
    const step = (options.stepStartingIndex ?? 0) + frame - 1;
    if (stepTrigger?.(step) === true) save(`step-${step}`, frame);
  }
  return saved;
}
