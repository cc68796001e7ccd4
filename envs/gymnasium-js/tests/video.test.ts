// Films of episodes in files: which frames they hold, when they are written, and what is refused.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@fast-check/vitest';
import { ConfigError, decodePng, FileError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { checkEnv, setWarningHandler, UnsupportedMode } from 'gymnasium-js';
import type { EnvMetadata, RenderResult } from 'gymnasium-js';
import { RecordVideo, saveVideo } from 'gymnasium-js/node';
import type { RecordVideoOptions } from 'gymnasium-js/node';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { Counter } from './counter.ts';

class Filmed extends Counter {
  override readonly metadata: EnvMetadata = { renderModes: ['rgb_array'], renderFps: 20 };
  override get renderMode(): string {
    return 'rgb_array';
  }
  override render(): RenderResult {
    return picture(this.steps);
  }
}

const picture = (value: number): NdArray<'uint8'> => ndarray('uint8', [2, 3, 3], new Uint8Array(18).fill(value));

let videoFolder = '';
beforeEach(() => {
  videoFolder = mkdtempSync(join(tmpdir(), 'films-'));
});
afterEach(() => rmSync(videoFolder, { recursive: true, force: true }));

const film = (options: Partial<RecordVideoOptions> = {}): RecordVideo<Float32Array> =>
  new RecordVideo(new Filmed(), { videoFolder, ...options });
const files = (): string[] => readdirSync(videoFolder).toSorted();

function playEpisode(env: RecordVideo<Float32Array>, length: number): void {
  env.reset({ seed: 0 });
  (env.unwrapped as Filmed).length = length;
  for (let i = 0; i < length; i++) env.step(0);
}

/** The number of frames that a file says it has. */
function countFrames(name: string): number {
  const bytes = readFileSync(join(videoFolder, name));
  if (!name.endsWith('.gif')) return bytes.readUInt32BE(bytes.indexOf('acTL') + 4);
  let frames = 0;
  for (let at = bytes.indexOf(Buffer.of(0x21, 0xf9, 4)); at >= 0; at = bytes.indexOf(Buffer.of(0x21, 0xf9, 4), at + 1))
    frames++;
  return frames;
}

describe('RecordVideo', () => {
  test('films the episodes of its schedule from the reset to the end', () => {
    const env = film();
    for (const length of [3, 2, 4]) playEpisode(env, length);
    expect(files()).toEqual(['rl-video-episode-0.gif', 'rl-video-episode-1.gif']);
    expect([countFrames('rl-video-episode-0.gif'), countFrames('rl-video-episode-1.gif')]).toEqual([4, 3]);
    expect(env.fps).toBe(20);
  });

  test('writes the last film when it is closed', () => {
    const env = film({ episodeTrigger: (episode) => episode === 0, namePrefix: 'last' });
    playEpisode(env, 2);
    expect([env.recording, env.recordedFrames.length, files()]).toEqual([true, 3, []]);
    env.close();
    env.close();
    expect(files()).toEqual(['last-episode-0.gif']);
  });

  test('films exactly videoLength frames, over the ends of episodes', () => {
    const env = film({ stepTrigger: (step) => step === 1, videoLength: 4, format: 'apng' });
    playEpisode(env, 3);
    playEpisode(env, 5);
    expect(files()).toEqual(['rl-video-step-1.png']);
    expect(countFrames('rl-video-step-1.png')).toBe(4);
    // The first frame of an animated PNG is its picture.
    expect(decodePng(readFileSync(join(videoFolder, 'rl-video-step-1.png')))).toEqual(picture(2));
  });

  test('keeps the contract, and counts on from a saved state', () => {
    const fresh = (): RecordVideo<Float32Array> => film({ episodeTrigger: () => false });
    checkEnv(fresh(), { fresh });
    const env = film({ episodeTrigger: (episode) => episode === 1 });
    playEpisode(env, 2);
    const other = film({ episodeTrigger: (episode) => episode === 1, namePrefix: 'other' });
    other.setState(structuredClone(env.getState()));
    playEpisode(other, 2);
    other.close();
    expect(files()).toEqual(['other-episode-1.gif']);
  });

  test('stops with a warning when there is no picture', () => {
    const warnings: string[] = [];
    const before = setWarningHandler((message) => warnings.push(message));
    class Blind extends Filmed {
      override render(): RenderResult {
        return undefined;
      }
    }
    const env = new RecordVideo(new Blind(), { videoFolder });
    env.reset();
    setWarningHandler(before);
    expect(env.recording).toBe(false);
    expect(warnings.at(-1)).toBe(
      'Recording stopped: expected type of frame returned by render to be a picture, got instead undefined.',
    );
    expect(() => env.stopRecording()).toThrow('stopRecording was called, but no recording was started.');
  });

  test('refuses environments and options that do not fit', () => {
    expect(() => new RecordVideo(new Counter(), { videoFolder })).toThrow(UnsupportedMode);
    expect(() => film({ fps: 0 })).toThrow('RecordVideo: expected fps in (0, 1000], got 0.');
    expect(() => film({ videoLength: -1 })).toThrow('expected a whole number >= 0 as videoLength, got -1.');
    expect(() => film({ format: 'mp4' as never })).toThrow('expected a format out of gif, apng, got "mp4".');
    expect(() => film({ videoFolder: 3 as never })).toThrow(ConfigError);
    const path = join(videoFolder, 'a-file');
    writeFileSync(path, '');
    expect(() => film({ videoFolder: join(path, 'folder') })).toThrow(FileError);
  });
});

describe('saveVideo', () => {
  const frames = [0, 1, 2, 3, 4].map(picture);

  test('saves what its triggers say', () => {
    expect(saveVideo(frames, { videoFolder, fps: 10, episodeIndex: 2 })).toEqual([]);
    saveVideo(frames, { videoFolder, fps: 10, episodeIndex: 8, videoLength: 3 });
    saveVideo(frames, {
      videoFolder,
      fps: 10,
      stepTrigger: (step) => step % 2 === 0,
      stepStartingIndex: 5,
      format: 'apng',
    });
    expect(files()).toEqual(['rl-video-episode-8.gif', 'rl-video-step-6.png', 'rl-video-step-8.png']);
    expect(files().map(countFrames)).toEqual([3, 3, 1]);
  });

  test('refuses what is no list of frames', () => {
    expect(() => saveVideo('x' as never, { videoFolder, fps: 10 })).toThrow(
      'Expected a list of frames, got "x" instead.',
    );
  });
});
