// Policy and value of IRIS (arXiv 2209.00588, appendix A; written from the paper): four convolutions, each pooled to half its size, and an LSTM over frames. Plain
// functions: `Behaviour` acts on codes and does not use them.
import type { Generator } from '@tessera/core';
import { mul, relu, reshape, sub } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { conv, dense, initConv, initDense, initLstm, lstmStep, maxPool } from '@tessera/nn';
import type { Linear, Lstm, LstmState } from '@tessera/nn';

/** What the networks are built for. */
export interface RecurrentActorCriticSizes {
  /** [height, width, channels]; 16 divides height and width. */
  readonly frameShape: readonly [height: number, width: number, channels: number];
  readonly actionCount: number;
  /** Channels of the convolutions; default 32, 32, 64, 64. */
  readonly channels?: readonly number[];
  /** Width of the LSTM; default 512. */
  readonly width?: number;
}

/** Parameters of policy and value. */
export interface RecurrentActorCritic {
  readonly convolutions: readonly Linear[];
  readonly lstm: Lstm;
  readonly actor: Linear;
  readonly critic: Linear;
}

/** What they say of a frame, and what they remember. */
export interface RecurrentJudgement {
  /** [batch, actionCount] */
  readonly logits: Tensor;
  /** [batch] */
  readonly values: Tensor;
  readonly state: LstmState;
}

/** Starting values. */
export function initRecurrentActorCritic(
  generator: Generator,
  { frameShape, actionCount, channels = [32, 32, 64, 64], width = 512 }: RecurrentActorCriticSizes,
): RecurrentActorCritic {
  const [rows, columns, pixels] = frameShape;
  const places = (rows * columns) / 4 ** channels.length;
  return {
    convolutions: channels.map((outputs, i) =>
      initConv(generator, { size: 3, inputs: channels[i - 1] ?? pixels, outputs }),
    ),
    lstm: initLstm(generator, { inputs: places * (channels.at(-1) ?? pixels), width }),
    actor: initDense(generator, { inputs: width, outputs: actionCount, gain: 0.01 }),
    critic: initDense(generator, { inputs: width, outputs: 1, gain: Math.SQRT1_2 }),
  };
}

/** One step: frames float32 [batch, height, width, channels] in [0, 1]; the state before it, zeros [batch, width] at the beginning. */
export function recurrentActorCritic(
  parameters: Traced<RecurrentActorCritic>,
  frames: Tensor,
  state: LstmState,
): RecurrentJudgement {
  const batch = frames.shape[0]!;
  let x = sub(mul(frames, 2), 1);
  for (const weights of parameters.convolutions) x = relu(maxPool(conv(weights, x), { size: 2 }));
  const flat = reshape(x, [batch, x.shape.slice(1).reduce((product, size) => product * size, 1)]);
  const next = lstmStep(parameters.lstm, flat, state);
  return {
    logits: dense(parameters.actor, next.hidden),
    values: reshape(dense(parameters.critic, next.hidden), [batch]),
    state: next,
  };
}
