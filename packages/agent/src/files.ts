// An agent in a folder: one safetensors file with both networks and everything that built them, and the tokenizer beside it.
import { join } from 'node:path';
import { FormatError, decodeSafetensors, encodeSafetensors } from '@tessera/core';
import { makeDirectory, readFileBounded, writeFileAtomic } from '@tessera/core/node';
import type { Engine, NamedArrays } from '@tessera/engine';
import type { Tokenizer } from '@tessera/vqvae';
import { loadTokenizer } from '@tessera/vqvae/node';
import { z } from 'zod';
import { Agent } from './agent.ts';
import { behaviourSchema } from './behaviour/config.ts';
import type { BehaviourConfig } from './behaviour/config.ts';
import { prefixed, under } from './parts.ts';
import { worldModelSchema } from './world-model/config.ts';

/** The version of the file; raised when a reader of the older version would misread it. */
const formatVersion = 1;
const fileName = 'agent.safetensors';
const maxBytes = 2 ** 32;

const settingsSchema = z.strictObject({
  actions: z.strictObject({ count: z.int().min(1), first: z.int() }),
  tokenizer: z.strictObject({
    vocabulary: z.int(),
    codeDim: z.int(),
    tokenShape: z.array(z.int()),
    frameShape: z.array(z.int()),
  }),
  worldModel: worldModelSchema,
  behaviour: behaviourSchema,
});

/** Writes both networks as `agent.safetensors` into a folder, which is made when it is missing, and replaces an older one at once. The tokenizer is saved by itself (`saveTokenizer`). Throws FileError. */
export async function saveAgent(directory: string, agent: Agent): Promise<void> {
  await makeDirectory(directory);
  const { actions, tokenizer, config } = agent;
  const tensors = {
    ...prefixed('worldModel', agent.worldModel.state()),
    ...prefixed('behaviour', agent.behaviour.state()),
  };
  const settings = { actions, tokenizer: tokenizer.spec, ...config };
  const bytes = encodeSafetensors(tensors, {
    kind: 'tessera-agent',
    formatVersion: String(formatVersion),
    settings: JSON.stringify(settings),
  });
  await writeFileAtomic(join(directory, fileName), bytes);
}

/** Where the tokenizer comes from. */
export interface LoadOptions {
  /** A tokenizer of one's own; by default the one in `tokenizer/` of the same folder. */
  readonly tokenizer?: Tokenizer;
}

/**
 * Reads what `saveAgent` wrote, and the tokenizer in the folder `tokenizer/` beside it.
 *
 * Throws FileError when it is not there; FormatError when it is damaged, newer, has a missing or extra tensor or one of another shape, or does not fit the tokenizer.
 */
export async function loadAgent(
  engine: Engine,
  directory: string,
  { tokenizer: own }: LoadOptions = {},
): Promise<Agent> {
  const source = join(directory, fileName);
  const { tensors, metadata } = decodeSafetensors(await readFileBounded(source, { maxBytes }), { source });
  const settings = parseSettings(source, metadata);
  const tokenizer = own ?? (await loadTokenizer(engine, join(directory, 'tokenizer')));
  let agent: Agent | undefined;
  try {
    for (const name of ['vocabulary', 'codeDim', 'tokenShape', 'frameShape'] as const) {
      const [wanted, got] = [String(settings.tokenizer[name]), String(tokenizer.spec[name])];
      if (wanted !== got) {
        throw new FormatError(
          `${source}: the agent was trained on a tokenizer of ${name} ${wanted}, got one of ${got}. Use the tokenizer that it was trained on.`,
        );
      }
    }
    checkSizes(source, settings, tensors);
    const { actions, worldModel, behaviour } = settings;
    agent = new Agent(engine, { tokenizer, actions, worldModel, behaviour });
    agent.worldModel.loadState(under('worldModel', tensors));
    agent.behaviour.loadState(under('behaviour', tensors));
    agent.refreshCodes();
    return agent;
  } catch (cause) {
    agent?.dispose();
    if (own === undefined) tokenizer.dispose();
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${source}: does not fit its own settings: ${(cause as Error).message}`, { cause });
  }
}

function parseSettings(source: string, metadata: Readonly<Record<string, string>>): z.infer<typeof settingsSchema> {
  if (metadata['kind'] !== 'tessera-agent') {
    throw new FormatError(`${source}: expected an agent, got ${metadata['kind'] ?? 'another kind of file'}.`);
  }
  const version = Number(metadata['formatVersion']);
  if (version !== formatVersion) {
    const newer = version > formatVersion ? ' It was written by a newer Tessera: update.' : '';
    throw new FormatError(
      `${source}: expected format version ${formatVersion}, got ${metadata['formatVersion'] ?? 'none'}.${newer}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(metadata['settings'] ?? '');
  } catch (cause) {
    throw new FormatError(`${source}: its settings are no JSON: ${(cause as Error).message}.`, { cause });
  }
  const result = settingsSchema.safeParse(json);
  if (!result.success) throw new FormatError(`${source}: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** Refuses tensors that belong to no network, and settings that ask for more numbers than the file has, before anything is built from them. */
function checkSizes(source: string, settings: z.infer<typeof settingsSchema>, tensors: NamedArrays): void {
  const foreign = Object.keys(tensors).find((name) => !/^(?:worldModel|behaviour)\./.test(name));
  if (foreign !== undefined) throw new FormatError(`${source}: has a tensor '${foreign}' that belongs to no network.`);
  const {
    worldModel: { kind, context, width, layers, expansion, stem },
    behaviour,
    actions,
    tokenizer: { vocabulary, tokenShape },
  } = settings;
  const tokens = tokenShape.reduce((product, size) => product * size, 1);
  const needed = [
    layers * (4 + 2 * expansion) * width * width,
    ...(kind === 'causal'
      ? [(vocabulary + actions.count + (context + 1) * (tokens + 1)) * width]
      : [context * (vocabulary + actions.count) * width, stem * (vocabulary + 9 * context * width)]),
    ...behaviourNumbers(behaviour, { tokens, vocabulary, actionCount: actions.count }),
  ].reduce((sum, numbers) => sum + numbers, 0);
  const there = Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
  if (needed > there) {
    throw new FormatError(`${source}: its settings need ${needed} numbers or more, but it has ${there}.`);
  }
}

/** Numbers that a behaviour of these settings has at the least. */
function behaviourNumbers(
  { input, embedding, hidden, network }: BehaviourConfig,
  { tokens, vocabulary, actionCount }: { tokens: number; vocabulary: number; actionCount: number },
): number[] {
  if (input !== 'frames') {
    return [(tokens + vocabulary) * embedding, (tokens * embedding + hidden + actionCount) * hidden];
  }
  const kernels = network.convolutions.map(
    ({ channels, kernel }, i) => channels * kernel * kernel * (network.convolutions[i - 1]?.channels ?? 1),
  );
  return [...kernels, ((network.convolutions.at(-1)?.channels ?? 1) + actionCount) * network.hidden];
}
