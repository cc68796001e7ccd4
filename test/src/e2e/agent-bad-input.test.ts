import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '@tessera/core';
import { injectFaults } from '@tessera/core/node';
import type { Faults } from '@tessera/core/node';
import { RunFolder } from '@tessera/runs';
import { test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import {
  editCheckpointInfo,
  editCheckpointTensors,
  editHeader,
  editMetadata,
  editTensors,
  editTrainer,
  newestCheckpoint,
} from '../support/damage.ts';
import { endState } from '../support/end-state.ts';
import { sharedFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { tessera } from '../support/tessera.ts';
import type { Ended } from '../support/tessera.ts';
import { tinyAgent } from '../support/tiny-agent.ts';
import type { TinyAgentOptions } from '../support/tiny-agent.ts';
import { onlyRun } from '../support/tiny-run.ts';

/** Exit code and what a person reads of the error, with the folder of the test taken out. */
async function refusal(words: readonly string[], root = '\0'): Promise<string> {
  const { code, out, err } = await tessera(words);
  expect(out).toBe('');
  const at = err.indexOf('error: ');
  const said = (at < 0 ? err : err.slice(at)).trimEnd().replaceAll(root, '<root>');
  // How long a header or a file is changes with every parameter that a network gets.
  return `exit ${code}: ${said.replace(/(claims|expected) \d{3,} bytes/, '$1 <n> bytes')}`;
}

/** A command that must do what it was asked to; returns what it wrote. */
async function accepted(words: readonly string[]): Promise<Ended> {
  const ended = await tessera(words);
  expect(ended).toMatchObject({ code: 0 });
  return ended;
}

/** A tiny run that must fail. */
async function refusedRun(options: Omit<TinyAgentOptions, 'root'>): Promise<string> {
  const root = temporaryFolder();
  return refusal(tinyAgent({ root, backend: 'wasm', ...options }), root);
}

const resume = (directory: string, ...words: string[]): string[] => [
  'train',
  'agent',
  '--resume',
  directory,
  '--backend',
  'wasm',
  ...words,
];

/** Two rounds. */
const short = ['steps=80'];

// A run of two rounds that is finished, to be copied and made longer.
const shared = sharedFolder();
let original = '';

beforeAll(async () => {
  await accepted(tinyAgent({ root: shared, backend: 'wasm', set: short }));
  original = onlyRun(shared);
});

/** A copy of the finished run, changed. */
function copied(damage: (run: string) => void = () => {}): { root: string; run: string } {
  const root = temporaryFolder();
  const run = join(root, 'run');
  cpSync(original, run, { recursive: true });
  damage(run);
  return { root, run };
}

/** Every file of a run, but for the lock. */
function contents(run: string): Record<string, string> {
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'latin1')]),
  );
}

/** The error of going on with a damaged copy; nothing in it may have changed but the wish for more steps. */
async function resumed(damage: (run: string) => void): Promise<string> {
  const { root, run } = copied(damage);
  const { 'config.json': _, ...before } = named(run);
  const message = await refusal(resume(run, '--steps', '120'), root);
  const { 'config.json': __, ...after } = named(run);
  expect(after).toEqual(before);
  return message;
}

function named(run: string): Record<string, string> {
  return Object.fromEntries(Object.entries(contents(run)).map(([path, text]) => [path.slice(run.length + 1), text]));
}

/** The error of evaluating a damaged copy. */
async function evaluated(damage: (run: string) => void): Promise<string> {
  const { root, run } = copied(damage);
  return refusal(['eval', run, '--backend', 'wasm'], root);
}

describe('settings that make no sense', () => {
  test('misspelt settings', async () => {
    expect(await refusedRun({ set: ['tokenizer.kid=nearest'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set tokenizer.kid=nearest: unknown field 'kid' in 'tokenizer'. Did you mean 'kind'?"`,
    );
    expect(await refusedRun({ set: ['tokenizer.kind=nearset'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set tokenizer.kind=nearset: tokenizer.kind: expected 'vqvae' | 'nearest', got "nearset"."`,
    );
    expect(await refusedRun({ set: ['tokenizer.vqvae.chanels=4'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set tokenizer.vqvae.chanels=4: unknown field 'chanels' in 'tokenizer.vqvae'. Did you mean 'channels'?"`,
    );
    expect(await refusedRun({ set: ['worldModel.contxt=2'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set worldModel.contxt=2: unknown field 'contxt' in 'worldModel'. Did you mean 'context'?"`,
    );
    expect(await refusedRun({ set: ['behaviour.gama=0.9'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set behaviour.gama=0.9: unknown field 'gama' in 'behaviour'. Did you mean 'gamma'?"`,
    );
    expect(await refusedRun({ set: ['training.imagination.horizn=3'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set training.imagination.horizn=3: unknown field 'horizn' in 'training.imagination'. Did you mean 'horizon'?"`,
    );
    expect(await refusedRun({ set: ['training.mode=alternate'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set training.mode=alternate: training.mode: expected 'alternating' | 'interleaved' | 'end-to-end', got "alternate"."`,
    );
    expect(await refusal(['train', 'braekout'])).toMatchInlineSnapshot(
      `"exit 2: error: train: unknown experiment 'braekout'. Did you mean 'breakout'? There are: catch, breakout, agent, ppo, dqn, tokenizer."`,
    );
  });

  test('values that do not fit together', async () => {
    expect(await refusedRun({ set: ['worldModel.heads=3'] })).toMatchInlineSnapshot(
      `"exit 1: error: WorldModel: a width of 8 does not divide into 3 heads. Choose heads that divide worldModel.width."`,
    );
    expect(await refusedRun({ set: ['training.replayBytes=2000'] })).toMatchInlineSnapshot(
      `"exit 1: error: training.replayBytes: a round of 4 x 10 steps takes about 8448 bytes, and the replay has room for 2000. Raise it, or make rounds shorter."`,
    );
    expect(await refusedRun({ set: ['tokenizer.vqvae.tokenShape=[3,3]'] })).toMatchInlineSnapshot(
      `"exit 1: error: VQVAE: a frame of 8 x 8 pixels does not halve down to 3 x 3 tokens. Choose tokenShape so that height / rows = width / columns is a power of two."`,
    );
    expect(
      await refusedRun({ set: ['tokenizer.kind=nearest', 'tokenizer.nearest.tokenShape=[3,3]'] }),
    ).toMatchInlineSnapshot(
      `"exit 1: error: NearestTokenizer: a frame of 8 x 8 pixels cannot be cut into 3 x 3 equal patches. Choose tokenShape so that rows divide the height and columns the width."`,
    );
    expect(await refusedRun({ set: ['behaviour.gamma=1.5'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set behaviour.gamma=1.5: behaviour.gamma: expected number in [0, 1], got 1.5."`,
    );
    expect(await refusedRun({ set: ['steps=0'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set steps=0: steps: expected integer >= 1, got 0."`,
    );
  });

  test('a continuous action space', async () => {
    expect(await refusedRun({ env: 'Glide-v0' })).toMatchInlineSnapshot(
      `"exit 1: error: rollouts: Glide-v0 (environment 0): expected a Discrete action space, got Box(-1.0, 1.0, (2,), float32). Continuous actions are not supported yet: wrap the environment so that it has finitely many."`,
    );
  });
});

describe("tokenizers of one's own that are none", () => {
  /** The error of a run with a module of this text. */
  async function moduleError(text: string): Promise<string> {
    const root = temporaryFolder();
    const file = join(root, 'tokenizer.mjs');
    writeFileSync(file, text);
    const error = await refusal(
      tinyAgent({ root, backend: 'wasm', set: [...short, `tokenizer.module=${file}`] }),
      root,
    );
    return error;
  }

  const body = (changes: string): string => `
    const spec = { frameShape: [8, 8, 3], tokenShape: [2, 2], vocabulary: 4, codeDim: 1 };
    const whole = {
      spec,
      encode: ({ shape }) => ({ dtype: 'int32', shape: [shape[0], 2, 2], data: new Int32Array(shape[0] * 4) }),
      embed: ({ shape, data }) => ({ dtype: 'float32', shape: [...shape, 1], data: Float32Array.from(data) }),
      decode: ({ shape }) => ({ dtype: 'float32', shape: [shape[0], 8, 8, 3], data: new Float32Array(shape[0] * 192) }),
      dispose() {},
    };
    export const createTokenizer = () => (${changes});`;

  test('modules that make no tokenizer', async () => {
    expect(await refusedRun({ set: ['tokenizer.module=./nowhere.mjs'] })).toMatch(
      /^exit 1: error: tokenizer\.module: '\.\/nowhere\.mjs' makes no tokenizer: /,
    );
    expect(await moduleError('export const other = 1;')).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs' has to export createTokenizer({ engine, frameShape, seed }), which returns a Tokenizer; what it returned has no encode."`,
    );
    expect(
      await moduleError('export function createTokenizer() { throw new Error("no weights here") }'),
    ).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs' makes no tokenizer: no weights here"`,
    );
    expect(await moduleError(body('undefined'))).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs' has to export createTokenizer({ engine, frameShape, seed }), which returns a Tokenizer; what it returned has no encode."`,
    );
    expect(await moduleError(body('{ ...whole, encode: undefined }'))).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs' has to export createTokenizer({ engine, frameShape, seed }), which returns a Tokenizer; what it returned has no encode."`,
    );
    expect(await moduleError(body('{ ...whole, spec: undefined }'))).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs' has to export createTokenizer({ engine, frameShape, seed }), which returns a Tokenizer; what it returned has no spec."`,
    );
    expect(await moduleError(body('{ ...whole, spec: { ...spec, frameShape: [20, 20, 3] } }'))).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs' made a tokenizer of 20x20x3 frames, the environment's are 8x8x3."`,
    );
  });

  test('tokenizers that lie about their sizes', async () => {
    expect(await moduleError(body('{ ...whole, spec: { ...spec, vocabulary: 0 } }'))).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs': expected codes from 0 to -1, as its spec says, got 0. The world model knows no others."`,
    );
    expect(await moduleError(body('{ ...whole, spec: { ...spec, codeDim: 3 } }'))).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs': expected embed to return [1, 2, 2, 3], as its spec says, got [1, 2, 2, 1]."`,
    );
    expect(await moduleError(body('{ ...whole, spec: { ...spec, tokenShape: [3, 3] } }'))).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs': expected encode to return [1, 3, 3], as its spec says, got [1, 2, 2]."`,
    );
    expect(
      await moduleError(
        body(
          `{ ...whole, encode: (frames) => { const tokens = whole.encode(frames); tokens.data.fill(4); return tokens; } }`,
        ),
      ),
    ).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs': expected codes from 0 to 3, as its spec says, got 4. The world model knows no others."`,
    );
    expect(
      await moduleError(
        body(
          `{ ...whole, encode: (frames) => { const tokens = whole.encode(frames); tokens.data.fill(-1); return tokens; } }`,
        ),
      ),
    ).toMatchInlineSnapshot(
      `"exit 1: error: tokenizer.module: '<root>/tokenizer.mjs': expected codes from 0 to 3, as its spec says, got -1. The world model knows no others."`,
    );
  });
});

describe('run folders that are damaged', () => {
  test('checkpoints cut short, altered, newer, gone', async () => {
    const tensors = (run: string): string => join(newestCheckpoint(run), 'tensors.safetensors');
    expect(await resumed((run) => truncateSync(tensors(run), 1000))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent/tensors.safetensors: expected <n> bytes, got 1000. It was cut short. It is the only one."`,
    );
    expect(
      await resumed((run) => truncateSync(join(newestCheckpoint(run), 'checkpoint.json'), 100)),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent/checkpoint.json: it is cut short or damaged, and no longer JSON. Restore it from a copy, or leave this run out. It is the only one."`,
    );
    expect(
      await resumed((run) => editCheckpointInfo(run, (info) => void (info['formatVersion'] = 9))),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent/checkpoint.json: its formatVersion is 9, and this Tessera reads up to 1. Upgrade Tessera to read it. It is the only one."`,
    );
    expect(await resumed((run) => rmSync(newestCheckpoint(run), { recursive: true }))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints: no checkpoint yet. The run ended before it wrote one."`,
    );
  });

  test('a tensor that is missing, too many, or of another shape, though the checksum is right', async () => {
    const change = (edits: Parameters<typeof editCheckpointTensors>[1]): Promise<string> =>
      resumed((run) => editCheckpointTensors(run, edits));
    const name = 'worldModel.parameters.tokenHead.bias';
    expect(
      await change((tensors) => void delete tensors['tokenizer.parameters.quantizer.codebook']),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: loadState: 'parameters.quantizer.codebook' is missing."`,
    );
    expect(await change((tensors) => void (tensors['tokenizer.more'] = ndarray('float32', [2])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: state: there is no 'more'."`,
    );
    expect(
      await change((tensors) => void delete tensors['worldModel.parameters.tokenHead.bias']),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: WorldModel.loadState: 'parameters.tokenHead.bias' is missing."`,
    );
    expect(
      await change((tensors) => void (tensors['worldModel.more'] = ndarray('float32', [2]))),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: state: there is no 'more'."`,
    );
    expect(await change((tensors) => void delete tensors['behaviour.parameters.policy.bias'])).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: Behaviour.loadState: 'parameters.policy.bias' is missing."`,
    );
    expect(await change((tensors) => void (tensors['behaviour.more'] = ndarray('float32', [2])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: state: there is no 'more'."`,
    );
    expect(await change((tensors) => void delete tensors['probe.frames'])).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: token probe: expected frames uint8 [n, 8, 8, 3], their tokens int32 [n, 16] and updates int32 [], got frames missing, tokens int32 [128, 16], updates int32 []."`,
    );
    expect(await change((tensors) => void (tensors['probe.more'] = ndarray('float32', [2])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: token probe: expected frames uint8 [n, 8, 8, 3], their tokens int32 [n, 16] and updates int32 [], got frames uint8 [128, 8, 8, 3], tokens int32 [128, 16], updates int32 [], more float32 [2]."`,
    );
    expect(await change((tensors) => void (tensors['more'] = ndarray('float32', [2])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: AgentTrainer.loadState: the state has a tensor 'more' that belongs to no part."`,
    );
    expect(await change((tensors) => void (tensors[name] = ndarray('float32', [13])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: state: 'parameters.tokenHead.bias' is of shape [12], got [13]."`,
    );
    expect(await change((tensors) => void (tensors[name] = ndarray('int32', [12])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: state: 'parameters.tokenHead.bias' is float32, got int32."`,
    );
    expect(
      await change((tensors) => void (tensors['worldModel.counters.updates'] = ndarray('int32', [0]))),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: WorldModel.loadState: expected 'counters.updates' as a count, int32 [] of 0 or more, got int32 [0]."`,
    );
  });

  test('counters, generators, environments and marks that are none', async () => {
    const change = (edits: Parameters<typeof editTrainer>[1]): Promise<string> =>
      resumed((run) => editTrainer(run, edits));
    expect(await change((trainer) => void delete trainer['counters'])).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: the checkpoint has no 'counters'."`,
    );
    expect(await change((trainer) => void (trainer['counters']!['item'] = 1000))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: it says that 1000 items of a round of 12 are done."`,
    );
    expect(await change((trainer) => void (trainer['counters']!['envSteps'] = 'many'))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: AgentTrainer.loadState: counters: envSteps: expected number, got 'many'."`,
    );
    expect(await change((trainer) => void delete trainer['counters']!['round'])).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: AgentTrainer.loadState: counters: round: expected number, got nothing."`,
    );
    expect(await change((trainer) => void delete trainer['returns'])).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: the checkpoint has no 'returns'."`,
    );
    expect(await change((trainer) => void (trainer['generators']!['policy'] = 7 as never))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: generator state: expected an object, got 7. Use what getState() gave."`,
    );
    expect(await change((trainer) => void (trainer['rollouts']!['seed'] = 1))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: VectorRollouts.setState: expected a state of seed 0, got one of 1. Go on with the options that the state was saved with."`,
    );
    expect(await change((trainer) => void (trainer['rollouts']!['environments'] = []))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-agent: does not fit the run: VectorRollouts.setState: expected the states of 4 environments, got 0."`,
    );
    expect(await change((trainer) => void (trainer['replay']!['nextShard'] = 5))).toMatchInlineSnapshot(
      `"exit 1: error: Replay.resume: '<root>/run/replay/shard-000002.safetensors' is missing. The checkpoint needs the shards 0 to 4."`,
    );
    expect(await change((trainer) => void (trainer['replay']!['formatVersion'] = 2))).toMatchInlineSnapshot(
      `"exit 1: error: Replay.resume: expected a state of format version 1, got 2. It was written by a newer Tessera: update @tessera/rollouts."`,
    );
    expect(
      await resumed((run) => editCheckpointInfo(run, (info) => void (info['meta'] = { updates: 3 }))),
    ).toMatchInlineSnapshot(`"exit 1: error: <root>/run/checkpoints/000004-agent: is no checkpoint of an agent run."`);
  });

  test("shards cut short, lying about their sizes, missing, or in each other's place", async () => {
    const shard = (run: string, number = 1): string => join(run, 'replay', `shard-00000${number}.safetensors`);
    expect(await resumed((run) => truncateSync(shard(run), 1000))).toMatchInlineSnapshot(
      `"exit 1: error: safetensors '<root>/run/replay/shard-000001.safetensors': the header claims <n> bytes, but only 992 follow. The file is cut off, or no safetensors file."`,
    );
    expect(await resumed((run) => truncateSync(shard(run), 4))).toMatchInlineSnapshot(
      `"exit 1: error: safetensors '<root>/run/replay/shard-000001.safetensors': expected 8 bytes of header length, but there are only 4 bytes. The file is cut off."`,
    );
    expect(await resumed((run) => rmSync(shard(run)))).toMatchInlineSnapshot(
      `"exit 1: error: Replay.resume: '<root>/run/replay/shard-000001.safetensors' is missing. The checkpoint needs the shards 0 to 1."`,
    );
    expect(await resumed((run) => renameSync(shard(run, 0), shard(run)))).toMatchInlineSnapshot(
      `"exit 1: error: Replay.resume: '<root>/run/replay/shard-000000.safetensors' is missing. The checkpoint needs the shards 0 to 1."`,
    );
    expect(await resumed((run) => cpSync(shard(run, 0), shard(run)))).toMatchInlineSnapshot(
      `"exit 1: error: Replay: expected '<root>/run/replay/shard-000001.safetensors' to begin with chunk 4, got chunk 0. Was it copied or renamed?"`,
    );
    expect(
      await resumed((run) => editHeader(shard(run), (header) => header.replace(/,8,8,3\]/, ',8,8,4]'))),
    ).toMatchInlineSnapshot(
      `"exit 1: error: safetensors '<root>/run/replay/shard-000001.safetensors': tensor "frames" of shape [48,8,8,4] and dtype "U8" takes 12288 bytes, but has 9216."`,
    );
    expect(
      await resumed((run) =>
        editTensors(shard(run), (tensors) => {
          const name = Object.keys(tensors).find((key) => key.includes('rewards'))!;
          tensors[name] = ndarray('float32', [999]);
        }),
      ),
    ).toMatchInlineSnapshot(
      `"exit 1: error: chunks '<root>/run/replay/shard-000001.safetensors': expected rewards float32 [40], as the steps of the chunks add up to, got float32 [999]."`,
    );
    expect(
      await resumed((run) =>
        editMetadata(shard(run), (metadata) => {
          for (const key of Object.keys(metadata))
            metadata[key] = metadata[key]!.replace(/"formatVersion":\d+/, '"formatVersion":9');
        }),
      ),
    ).toMatchInlineSnapshot(
      `"exit 1: error: chunks '<root>/run/replay/shard-000001.safetensors': chunk 0: expected a chunk of format version 2, got 9. It was written by a newer Tessera: update @tessera/rollouts."`,
    );
  });

  test('agents cut short, newer, with a tensor missing, too many or of another shape', async () => {
    const file = (run: string): string => join(run, 'agent', 'agent.safetensors');
    const name = 'behaviour.parameters.policy.bias';
    expect(await evaluated((run) => truncateSync(file(run), 500))).toMatchInlineSnapshot(
      `"exit 1: error: safetensors '<root>/run/agent/agent.safetensors': the header claims <n> bytes, but only 492 follow. The file is cut off, or no safetensors file."`,
    );
    expect(await evaluated((run) => rmSync(join(run, 'agent'), { recursive: true }))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run: has no agent yet, because the run has not ended. Go on with: tessera train agent --resume <root>/run"`,
    );
    expect(
      await evaluated((run) => rmSync(join(run, 'agent', 'tokenizer'), { recursive: true })),
    ).toMatchInlineSnapshot(
      `"exit 1: error: files: cannot read '<root>/run/agent/tokenizer/tokenizer.safetensors': no such file or folder. Check the path; folders are made with makeDirectory (ENOENT)."`,
    );
    expect(
      await evaluated((run) => editMetadata(file(run), (metadata) => void (metadata['formatVersion'] = '2'))),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/agent/agent.safetensors: expected format version 1, got 2. It was written by a newer Tessera: update."`,
    );
    expect(
      await evaluated((run) => editMetadata(file(run), (metadata) => void (metadata['settings'] = '{'))),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/agent/agent.safetensors: its settings are no JSON: Expected property name or '}' in JSON at position 1."`,
    );
    expect(
      await evaluated((run) =>
        editMetadata(
          file(run),
          (metadata) => void (metadata['settings'] = metadata['settings']!.replace('"width"', '"widht"')),
        ),
      ),
    ).toMatchInlineSnapshot(`
      "exit 1: error: <root>/run/agent/agent.safetensors: ✖ Unrecognized key: "widht"
        → at worldModel"
    `);
    const tensors = (change: Parameters<typeof editTensors>[1]): Promise<string> =>
      evaluated((run) => editTensors(file(run), change));
    expect(await tensors((all) => void delete all[name])).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/agent/agent.safetensors: does not fit its own settings: Behaviour.loadState: 'parameters.policy.bias' is missing."`,
    );
    expect(await tensors((all) => void (all['behaviour.more'] = ndarray('float32', [1])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/agent/agent.safetensors: does not fit its own settings: state: there is no 'more'."`,
    );
    expect(await tensors((all) => void (all[name] = ndarray('float32', [5])))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/agent/agent.safetensors: does not fit its own settings: state: 'parameters.policy.bias' is of shape [4], got [5]."`,
    );
  });

  test('another tokenizer in the place of its own', async () => {
    const root = temporaryFolder();
    const set = [...short, 'tokenizer.vqvae.quantizer.vocabulary=16'];
    await accepted(tinyAgent({ root, backend: 'wasm', set }));
    const other = join(onlyRun(root), 'agent', 'tokenizer');
    expect(
      await evaluated((run) => cpSync(other, join(run, 'agent', 'tokenizer'), { recursive: true })),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/agent/agent.safetensors: the agent was trained on a tokenizer of vocabulary 12, got one of 16. Use the tokenizer that it was trained on."`,
    );
  });

  test('films of what is damaged', async () => {
    const { root, run } = copied((copy) => truncateSync(join(copy, 'agent', 'agent.safetensors'), 500));
    expect(await refusal(['watch', run, '--backend', 'wasm'], root)).toMatchInlineSnapshot(
      `"exit 1: error: safetensors '<root>/run/agent/agent.safetensors': the header claims <n> bytes, but only 492 follow. The file is cut off, or no safetensors file."`,
    );
  });
});

describe('going on with a run', () => {
  test('with more steps it goes on, and says so; with nothing left to do it says that', async () => {
    const { run } = copied();
    const done = await tessera(resume(run));
    expect(done).toMatchObject({ code: 0, out: `${run}\n` });
    expect(done.err).toBe(
      'The run is finished: it has made its 80 steps. To go on with it, give it more: --steps 160.\n',
    );
    const longer = await tessera(resume(run, '--steps', '120'));
    expect(longer).toMatchObject({ code: 0, out: `${run}\n` });
    expect(longer.err).toContain('going on after 80 steps\n');
    const folder = await RunFolder.open(run);
    expect(await folder.readResult()).toMatchObject({
      steps: 120,
      worldModel: { updates: 16 },
      tokenizer: { updates: 14 },
    });
    expect((await folder.readMetrics()).map(({ step }) => step)).toEqual([40, 80, 120]);
    expect(readdirSync(join(run, 'replay')).length).toBe(3);
  });

  test('with fewer steps, other settings, as another experiment', async () => {
    const { root, run } = copied();
    const before = contents(run);
    expect(await refusal(resume(run, '--steps', '40'), root)).toMatchInlineSnapshot(`
      "exit 1: error: train agent --resume: '<root>/run' goes on as it was started; only steps may differ, and be larger.
      --steps 40: steps: the run has 80, got 40; a run can be made longer, not shorter.
      Leave these options out, or start a new run without --resume."
    `);
    expect(await refusal(resume(run, '--set', 'worldModel.width=16', '--set', 'tokenizer.kind=nearest'), root))
      .toMatchInlineSnapshot(`
      "exit 1: error: train agent --resume: '<root>/run' goes on as it was started; only steps may differ, and be larger.
      --set tokenizer.kind=nearest: tokenizer.kind: the run has "vqvae", got "nearest".
      --set worldModel.width=16: worldModel.width: the run has 8, got 16.
      Leave these options out, or start a new run without --resume."
    `);
    expect(await refusal(resume(run, '--env', 'Catch-v0', '--seed', '1'), root)).toMatchInlineSnapshot(`
      "exit 1: error: train agent --resume: '<root>/run' goes on as it was started; only steps may differ, and be larger.
      --env Catch-v0: the run has Chase-v0.
      --seed 1: the run has 0.
      Leave these options out, or start a new run without --resume."
    `);
    expect(await refusal(['train', 'catch', '--resume', run], root)).toMatchInlineSnapshot(
      `"exit 1: error: train catch --resume: '<root>/run' is a run of the experiment 'agent', not of 'catch'. Use: tessera train agent --resume <root>/run"`,
    );
    expect(await refusal(['train', 'tokenizer', '--resume', run], root)).toMatchInlineSnapshot(
      `"exit 1: error: train tokenizer --resume: '<root>/run' is a run of the experiment 'agent', not of 'tokenizer'. Use: tessera train agent --resume <root>/run"`,
    );
    expect(contents(run)).toEqual(before);
  });

  test('that another process is training', { timeout: 60_000 }, async () => {
    const { root, run } = copied();
    const release = await (await RunFolder.open(run)).lock();
    const error = await refusal(resume(run, '--steps', '120'), root);
    expect(error).toMatch(/^exit 1: error: lock run: '<root>\/run' is in use by process \d+/);
    await accepted(['eval', run, '--backend', 'wasm']);
    await release();
    await accepted(resume(run, '--steps', '120'));
  });

  test('of an environment that cannot save its state: the person is told', async () => {
    const root = temporaryFolder();
    const begun = await tessera(tinyAgent({ root, backend: 'wasm', env: 'Fog-v0', set: short }));
    expect(begun.code).toBe(0);
    expect(begun.err).toContain(
      'Fog-v0 cannot save its state: after a resume its episodes begin anew, so the run will not be exact.\n',
    );
    await accepted(resume(onlyRun(root), '--steps', '120'));
  });
});

describe('what breaks in the middle', () => {
  test.each(['in-turn', 'meanwhile'])(
    'an environment that throws, played %s; once it no longer does, the run ends as if nothing had happened',
    async (collection) => {
      const root = temporaryFolder();
      const kwargs = { failFile: join(root, 'trip'), failStep: 25 };
      const words = (seed: number): string[] =>
        tinyAgent({ root, backend: 'wasm', kwargs, seed, set: ['steps=160', `training.collection=${collection}`] });
      await accepted(words(0));
      const smooth = onlyRun(root);
      const end = await endState(smooth);
      rmSync(smooth, { recursive: true });

      writeFileSync(kwargs.failFile, '');
      expect(await refusal(words(0), root)).toMatch(
        /^exit 1: error: rollouts: Chase-v0 \(environment 0\), step \d+ of episode \d+ threw: the square tripped$/,
      );
      const broken = onlyRun(root);
      expect((await (await RunFolder.open(broken)).readMetrics()).length).toBe(2);
      expect(await refusal(['eval', broken, '--backend', 'wasm'], broken)).toMatchInlineSnapshot(
        `"exit 1: error: <root>: has no agent yet, because the run has not ended. Go on with: tessera train agent --resume <root>"`,
      );
      rmSync(kwargs.failFile);
      await accepted(resume(broken));
      expect(await endState(broken)).toEqual(end);
    },
  );

  const full = {
    'a checkpoint': [/checkpoints/, 5],
    'a shard': [/replay/, 2],
    'the metrics': [/metrics\.jsonl$/, 2],
    'the agent': [/\/agent\/\.[^/]+$/, 1],
    'its tokenizer': [/\/agent\/tokenizer\//, 1],
    'the film': [/\/media\//, 1],
    'the result': [/\/runs\/agent-[^/]+\/\.[^/]+$/, 1],
  } as const;
  for (const [what, [part, from]] of Object.entries(full)) {
    test(`a disk that is full while ${what} is written; once there is room, the run goes on`, async () => {
      const root = temporaryFolder();
      let writes = 0;
      const write: NonNullable<Faults['write']> = ({ path }) =>
        part.test(path) && ++writes >= from ? 'ENOSPC' : undefined;
      {
        using _ = injectFaults({ write });
        expect(await refusal(tinyAgent({ root, backend: 'wasm', set: short }), root)).toMatch(
          /^exit 1: error: files: cannot (write|append to) '<root>\/\S+': the disk is full\. Free some space and try again; what was saved before is intact \(ENOSPC\)\.$/,
        );
      }
      const run = onlyRun(root);
      expect(existsSync(join(run, 'result.json'))).toBe(false);
      await accepted(resume(run));
      const folder = await RunFolder.open(run);
      expect(await folder.readResult()).toMatchObject({ steps: 80, worldModel: { updates: 12 } });
      expect((await folder.readMetrics()).map(({ step }) => step)).toEqual([40, 80]);
    });
  }
});
