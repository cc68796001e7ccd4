// What came before frames of the replay, for a policy that sees the world model's hidden state of it: when it learns from real steps, and when it goes on playing.
import { hasWindow } from '@tessera/rollouts';
import type { ReplayChunk, StepReference } from '@tessera/rollouts';
import type { AgentPlayer } from '../agent-player.ts';
import { pastHidden } from '../world-model/past-hidden.ts';
import { pick } from '../world-model/windows.ts';
import type { WorldModel } from '../world-model/world-model.ts';
import type { TokenMemory } from './token-memory.ts';

/** What looks back. */
export interface Looking {
  readonly worldModel: WorldModel;
  readonly memory: TokenMemory;
}

/** The step that led to a frame; undefined at an episode's first one, and where the replay no longer holds the `context` frames before. */
function stepBefore(chunk: ReplayChunk, frame: number, context: number): StepReference | undefined {
  const holder = frame > 0 ? chunk : chunk.metadata.firstStep > 0 ? chunk.previous : undefined;
  if (holder === undefined) return undefined;
  const step = { chunk: holder, step: (frame > 0 ? frame : holder.steps) - 1 };
  return hasWindow(step, context) ? step : undefined;
}

/** What the world model had in mind before each frame of these chunks, each float32 [(steps + 1) * hiddenSize]; zeros where nothing is known. */
export async function hiddenStates(
  { worldModel, memory }: Looking,
  chunks: readonly ReplayChunk[],
): Promise<Float32Array[]> {
  const { context } = worldModel.config;
  const size = worldModel.hiddenSize;
  const out = chunks.map(({ steps }) => new Float32Array((steps + 1) * size));
  const places = chunks.flatMap((chunk, i) =>
    Array.from({ length: chunk.steps + 1 }, (_, frame) => ({ i, frame, step: stepBefore(chunk, frame, context) })),
  );
  const known = places.flatMap(({ step, ...place }) => (step === undefined ? [] : [{ ...place, step }]));
  if (known.length === 0) return out;
  const { data } = pastHidden(worldModel, await memory.transitions(known.map(({ step }) => step)));
  for (const [row, { i, frame }] of known.entries()) {
    out[i]!.set(data.subarray(row * size, (row + 1) * size), frame * size);
  }
  return out;
}

/**
 * Tells a player what led to the frame at which each environment stands, by the replay and the codes of now. So its memory is a function of what is saved anyway, and it
 * never mixes codes of two tokenizers.
 */
export async function recallPasts(
  player: AgentPlayer,
  { worldModel, memory }: Looking,
  chunks: Iterable<ReplayChunk>,
): Promise<void> {
  if (!player.remembers) return;
  const newest = new Map<number, ReplayChunk>();
  for (const chunk of chunks) newest.set(chunk.metadata.envIndex, chunk);
  const known = [...newest].flatMap(([envIndex, chunk]) => {
    const step = stepBefore(chunk, chunk.steps, worldModel.config.context);
    return step === undefined ? [] : [{ envIndex, step }];
  });
  if (known.length === 0) return;
  const { tokens, actions } = await memory.transitions(known.map(({ step }) => step));
  for (const [row, { envIndex }] of known.entries()) {
    player.recall(envIndex, { tokens: pick(tokens, [row]), actions: pick(actions, [row]) });
  }
}
