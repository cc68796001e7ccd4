// The loss of conv-vq.ts as one writes it in TensorFlow.js.
import {
  add,
  argMin,
  conv2d,
  conv2dTranspose,
  customGrad,
  gather,
  matMul,
  mean,
  mul,
  relu,
  reshape,
  square,
  sub,
  sum,
  tidy,
  unsortedSegmentSum,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** Parameters by flat name; frames [B, H, W, 3]. */
export function convVqTapeLoss(parameters: Readonly<Record<string, Tensor>>, frames: Tensor): Scalar {
  const kernel = (name: string) => parameters[`${name}.kernel`] as Tensor4D;
  const bias = (name: string) => parameters[`${name}.bias`]!;
  const conv = (name: string, x: Tensor4D, stride = 1) =>
    add(conv2d(x, kernel(name), stride, 'same'), bias(name)) as Tensor4D;
  const transposed = (name: string, x: Tensor4D) => {
    const [batch, height, width] = x.shape;
    const shape: [number, number, number, number] = [batch, 2 * height, 2 * width, kernel(name).shape[2]];
    return add(conv2dTranspose(x, kernel(name), shape, 2, 'same'), bias(name)) as Tensor4D;
  };
  const residual = (name: string, x: Tensor4D) =>
    add(x, conv(`${name}.conv2`, relu(conv(`${name}.conv1`, relu(x))))) as Tensor4D;

  let x = relu(conv('encoder.conv1', frames as Tensor4D, 2));
  x = conv('encoder.conv3', relu(conv('encoder.conv2', x, 2)));
  x = relu(residual('encoder.residual2', residual('encoder.residual1', x)));
  const z = conv('encoder.conv4', x);
  const codebook = parameters['codebook'] as Tensor2D;
  const flat = reshape(z, [-1, codebook.shape[1]]) as Tensor2D;
  const quantized = quantize(flat, codebook);
  x = conv('decoder.conv1', reshape(straightThrough(flat, quantized), z.shape));
  x = relu(residual('decoder.residual2', residual('decoder.residual1', x)));
  const reconstruction = transposed('decoder.conv3', relu(transposed('decoder.conv2', x)));
  const codebookLoss = mse(quantized, stopGradient(flat));
  const commitment = mul(mse(flat, stopGradient(quantized)), 0.25);
  return add(mse(reconstruction, frames), add(codebookLoss, commitment));
}

function mse(a: Tensor, b: Tensor): Tensor {
  return mean(square(sub(a, b)));
}

function nearest(flat: Tensor2D, codebook: Tensor2D): Tensor1D {
  return tidy(() => {
    const center = mean(codebook, 0);
    const codes = sub(codebook, center) as Tensor2D;
    const half = mul(sum(square(codes), 1), 0.5);
    return argMin(sub(half, matMul(sub(flat, center) as Tensor2D, codes, false, true)), 1);
  });
}

// argMin must stay off the tape: it would ask for a gradient of the indices.
const quantize = customGrad((flat, codebook, save) => {
  const codes = nearest(flat as Tensor2D, codebook as Tensor2D);
  (save as GradSaveFunc)([codes]);
  return {
    value: gather(codebook as Tensor2D, codes),
    gradFunc: (dy: Tensor, [saved]: Tensor[]) => [
      zerosLike(dy),
      unsortedSegmentSum(dy, saved as Tensor1D, (codebook as Tensor2D).shape[0]),
    ],
  };
});

const stopGradient = customGrad((x) => ({
  value: (x as Tensor).clone(),
  gradFunc: (dy: Tensor) => zerosLike(dy),
}));

const straightThrough = customGrad((_, quantized) => ({
  value: (quantized as Tensor).clone(),
  gradFunc: (dy: Tensor) => [dy.clone(), zerosLike(dy)],
}));
