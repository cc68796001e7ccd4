// Errors of reconstructed frames, added up batch by batch: sets of any size in the memory of one batch.
import { ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** Reconstruction errors of frames in [0, 1]. */
export interface ReconstructionQuality {
  /** Mean squared error over all elements. */
  readonly mse: number;
  /** MSE over the variance of these frames' elements about their mean; infinite when frames of one colour are not met exactly. */
  readonly nmse: number;
  /** `10 log10(1 / MSE)` of each frame, averaged, in dB; a frame's MSE counts as at least 1e-10, so 100 dB is exact. */
  readonly psnr: number;
}

/** Errors of `decoded` against `frames`, both float32 [B, H, W, C]. Throws ShapeError when their shapes differ or there are none. */
export function reconstructionQuality(frames: NdArray<'float32'>, decoded: NdArray<'float32'>): ReconstructionQuality {
  const sums = new ReconstructionSums();
  sums.add(frames, decoded);
  return sums.quality();
}

/** The errors of all frames added so far, and how much the frames vary. */
export class ReconstructionSums {
  #frames = 0;
  #errors = 0;
  #decibels = 0;
  #varied = false;
  /** The first frame; what follows is counted from it, so that pixels that never change have no rounding. */
  #first = new Float32Array();
  /** Of each element of a frame: the sum of its deviations from the first frame, and of their squares. */
  #sums = new Float64Array();
  #squares = new Float64Array();

  /** Adds frames and what they were decoded to, both float32 [B, ...]. Throws ShapeError when their shapes differ, or are not those of the batch before. */
  add(frames: NdArray<'float32'>, decoded: NdArray<'float32'>): void {
    if (String(frames.shape) !== String(decoded.shape)) {
      throw new ShapeError(
        `reconstructionQuality: frames are [${frames.shape.join(', ')}], decoded ones [${decoded.shape.join(', ')}].`,
      );
    }
    const [batch = 0] = frames.shape;
    if (frames.data.length === 0) return;
    const size = frames.data.length / batch;
    if (this.#frames === 0) {
      this.#first = frames.data.slice(0, size);
      this.#sums = new Float64Array(size);
      this.#squares = new Float64Array(size);
    }
    if (size !== this.#first.length) {
      throw new ShapeError(
        `reconstructionQuality: expected frames of ${this.#first.length} numbers, like those before, got ${size}.`,
      );
    }
    const [first, sums, squares, colour] = [this.#first, this.#sums, this.#squares, this.#first[0]!];
    for (let frame = 0; frame < batch; frame++) {
      let error = 0;
      for (let i = 0, at = frame * size; i < size; i++, at++) {
        const x = frames.data[at]!;
        const deviation = x - first[i]!;
        error += (decoded.data[at]! - x) ** 2;
        sums[i]! += deviation;
        squares[i]! += deviation ** 2;
        this.#varied ||= x !== colour;
      }
      this.#errors += error;
      this.#decibels += -10 * Math.log10(Math.max(1e-10, error / size));
    }
    this.#frames += batch;
  }

  /** Throws ShapeError when no frame was added. */
  quality(): ReconstructionQuality {
    const mse = this.#errors / this.#count();
    return { mse, nmse: this.#normalised(mse), psnr: this.#decibels / this.#frames };
  }

  /** The NMSE of the best answer that does not look: the mean of these frames for every one of them. */
  meanFrameNmse(): number {
    return this.#normalised(this.#aboutMeanFrame() / this.#count());
  }

  #count(): number {
    if (this.#frames === 0) throw new ShapeError('reconstructionQuality: expected at least one frame, got none.');
    return this.#frames * this.#first.length;
  }

  #normalised(mse: number): number {
    if (mse === 0) return 0;
    // The mean is rounded, so equal pixels would have a variance that is not quite 0.
    if (!this.#varied) return Infinity;
    const means = this.#sums.map((sum, i) => this.#first[i]! + sum / this.#frames);
    const mean = means.reduce((total, x) => total + x, 0) / means.length;
    const between = means.reduce((total, x) => total + (x - mean) ** 2, 0);
    return mse / ((this.#aboutMeanFrame() + this.#frames * between) / this.#count());
  }

  /** The sum of squared deviations from the mean frame. */
  #aboutMeanFrame(): number {
    return this.#squares.reduce(
      (total, square, i) => total + Math.max(0, square - this.#sums[i]! ** 2 / this.#frames),
      0,
    );
  }
}
