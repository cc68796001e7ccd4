// Agents in files: what comes back, and what damaged, lying, newer and unfitting files say.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, describe } from 'vitest';
import { test } from '@fast-check/vitest';
import { FileError, FormatError, decodeSafetensors, encodeSafetensors, ndarray, npRandom } from '@tessera/core';
import type { NdArray, Safetensors } from '@tessera/core';
import { injectFaults } from '@tessera/core/node';
import { NearestTokenizer } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import { saveTokenizer } from '@tessera/vqvae/node';
import type { Agent, BehaviourOptions } from '../src/index.ts';
import { loadAgent, saveAgent } from '../src/node.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { agentOn, cpu, engines, integers, temporaryFolder, transitionsOf } from './toy.ts';

const frames = ndarray(
  'uint8',
  [32, 4, 4, 1],
  Uint8Array.from(integers([512], 16, 3).data, (x) => 16 * x),
);

/** Some updates, so that nothing is as it began. */
function train(agent: Agent): Agent {
  agent.worldModel.trainStep(transitionsOf(agent.worldModel, 16, 1));
  const tokens = integers([20, 16], 16, 5).data;
  const experience = {
    tokens,
    actions: integers([20], 3, 6).data,
    logProbabilities: new Float32Array(20).fill(-1),
    rewards: integers([20], 3, 7).data,
    values: new Float32Array(21),
    terminated: new Uint8Array(20),
  };
  agent.behaviour.learn([experience], { generator: npRandom(1), minibatch: 16 });
  return agent;
}

const act = (agent: Agent) => agent.act(frames, { generator: npRandom(5) });

async function saved(): Promise<{ folder: string; agent: Agent; path: string }> {
  const folder = temporaryFolder();
  const agent = train(agentOn(cpu));
  await saveAgent(folder, agent);
  return { folder, agent, path: join(folder, 'agent.safetensors') };
}

/** Writes the file again with other content. */
function rewrite(folder: string, change: (content: Safetensors) => Partial<Safetensors>): void {
  const path = join(folder, 'agent.safetensors');
  const content = decodeSafetensors(readFileSync(path));
  const { tensors, metadata } = { ...content, ...change(content) };
  writeFileSync(path, encodeSafetensors(tensors, metadata));
}

function without(metadata: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== key));
}

type Settings = Record<'actions' | 'tokenizer' | 'worldModel' | 'behaviour', Record<string, unknown>>;

function editSettings(folder: string, change: (settings: Settings) => unknown): void {
  rewrite(folder, ({ metadata }) => ({
    metadata: { ...metadata, settings: JSON.stringify(change(JSON.parse(metadata['settings']!) as Settings)) },
  }));
}

/** What loading throws; nothing may stay behind on the engine. */
async function failure(folder: string, tokenizer: Tokenizer = new PixelTokenizer()): Promise<string> {
  const before = cpu.tensorCount();
  const error: unknown = await loadAgent(cpu, folder, { tokenizer }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect(cpu.tensorCount()).toBe(before);
  return `${(error as Error).name}: ${(error as Error).message}`.replaceAll(folder, '<folder>');
}

describe('a saved agent', () => {
  test.each(engines)('on %s comes back bit for bit, and acts and learns alike', async (_, engine) => {
    const folder = temporaryFolder();
    const agent = train(agentOn(engine));
    await saveAgent(folder, agent);
    const again = await loadAgent(engine, folder, { tokenizer: new PixelTokenizer() });
    expect(again.config).toEqual(agent.config);
    expect(again.actions).toEqual(agent.actions);
    const expectSame = () => {
      expect(again.worldModel.state()).toEqual(agent.worldModel.state());
      expect(again.behaviour.state()).toEqual(agent.behaviour.state());
      expect(act(again)).toEqual(act(agent));
    };
    expectSame();
    expect([again.worldModel.updates, again.behaviour.version]).toEqual([1, 1]);
    train(agent);
    train(again);
    expectSame();
    again.dispose();
  });

  test.each(['maskgit', 'causal'] as const)('of kind %s comes back as one, and as no other', async (kind) => {
    const folder = temporaryFolder();
    const agent = train(agentOn(cpu, { worldModel: { kind, reward: 'two-hot', temperature: 0.5 } }));
    await saveAgent(folder, agent);
    const again = await loadAgent(cpu, folder, { tokenizer: new PixelTokenizer() });
    expect(again.config.worldModel).toMatchObject({ kind, reward: 'two-hot', temperature: 0.5 });
    expect(again.worldModel.state()).toEqual(agent.worldModel.state());
    again.dispose();
    editSettings(folder, (settings) => ({ ...settings, worldModel: { ...settings.worldModel, kind: 'parallel' } }));
    expect(await failure(folder)).toContain(
      `WorldModel.loadState: expected the state of a world model of kind 'parallel', got one of kind '${kind}'. Build it with worldModel.kind '${kind}'.`,
    );
  });

  test.each<BehaviourOptions>([
    { input: 'frames', network: { hidden: 5 }, slowCritic: { weight: 1 } },
    { input: 'frames', network: { convolutions: [], hidden: 1 } },
    { input: 'state', returnNormalisation: 'percentile', endEntropy: 0 },
  ])('whose policy is %o plays on as it would have', async (behaviour) => {
    const folder = temporaryFolder();
    const agent = agentOn(cpu, { behaviour });
    await saveAgent(folder, agent);
    const again = await loadAgent(cpu, folder, { tokenizer: new PixelTokenizer() });
    expect(again.config).toEqual(agent.config);
    expect(again.behaviour.state()).toEqual(agent.behaviour.state());
    const [one, other] = [agent, again].map((own) => own.player({ generator: npRandom(5) }));
    for (let step = 0; step < 2; step++) expect(other!.act(frames)).toEqual(one!.act(frames));
    again.dispose();
  });

  test('from before there was a choice of what the policy sees and learns by has the defaults', async () => {
    const { folder, agent } = await saved();
    editSettings(folder, (settings) => {
      const { input, network, objective, returnNormalisation, slowCritic, ...older } = settings.behaviour;
      expect([input, network, objective, returnNormalisation, slowCritic]).not.toContain(undefined);
      return { ...settings, behaviour: older };
    });
    const again = await loadAgent(cpu, folder, { tokenizer: new PixelTokenizer() });
    expect(again.config).toEqual(agent.config);
    expect(act(again)).toEqual(act(agent));
    again.dispose();
  });

  test('from before there were kinds is of kind parallel', async () => {
    const { folder, agent } = await saved();
    editSettings(folder, (settings) => {
      const {
        kind: _kind,
        passes: _passes,
        reward: _reward,
        temperature: _temperature,
        ...older
      } = settings.worldModel;
      return { ...settings, worldModel: older };
    });
    const again = await loadAgent(cpu, folder, { tokenizer: new PixelTokenizer() });
    expect(again.config).toEqual(agent.config);
    expect(again.worldModel.state()).toEqual(agent.worldModel.state());
    again.dispose();
  });

  test('brings the tokenizer beside it', async () => {
    const folder = temporaryFolder();
    const tokenizer = new NearestTokenizer({ frameShape: [4, 4, 1], tokenShape: [2, 2], vocabulary: 40 });
    tokenizer.observe(
      ndarray(
        'float32',
        frames.shape,
        Float32Array.from(frames.data, (x) => x / 255),
      ),
    );
    const agent = agentOn(cpu, { tokenizer });
    await saveAgent(folder, agent);
    await saveTokenizer(join(folder, 'tokenizer'), tokenizer);
    const again = await loadAgent(cpu, folder);
    expect((again.tokenizer as NearestTokenizer).state()).toEqual(tokenizer.state());
    expect(act(again)).toEqual(act(agent));
    again.dispose();
  });

  test('replaces an older one, in folders that are made for it', async () => {
    const folder = join(temporaryFolder(), 'deep', 'er');
    const agent = agentOn(cpu);
    await saveAgent(folder, agent);
    train(agent);
    await saveAgent(folder, agent);
    expect(readdirSync(folder)).toEqual(['agent.safetensors']);
    const again = await loadAgent(cpu, folder, { tokenizer: new PixelTokenizer() });
    expect(again.worldModel.updates).toBe(1);
    again.dispose();
  });

  test('is still there when the disk is full', async () => {
    const { folder, agent } = await saved();
    const before = act(agent);
    train(agent);
    for (const operation of ['open', 'write', 'sync', 'rename'] as const) {
      const restore = injectFaults({ [operation]: () => 'ENOSPC' });
      await expect(saveAgent(folder, agent)).rejects.toThrow(FileError);
      restore();
      expect(readdirSync(folder)).toEqual(['agent.safetensors']);
      const again = await loadAgent(cpu, folder, { tokenizer: new PixelTokenizer() });
      expect(act(again)).toEqual(before);
      again.dispose();
    }
  });
});

describe('a file', () => {
  test('that is not there', async () => {
    const folder = temporaryFolder();
    await expect(loadAgent(cpu, folder)).rejects.toThrow(FileError);
    await saveAgent(folder, agentOn(cpu));
    await expect(loadAgent(cpu, folder)).rejects.toThrow(/tokenizer\.safetensors/);
  });

  test('cut short anywhere', async () => {
    const { folder, path } = await saved();
    const bytes = readFileSync(path);
    const header = 8 + Number(bytes.readBigUInt64LE());
    const lengths = [0, 1, 7, 8, 9, header >> 1, header - 1, header, header + 1, bytes.length - 4, bytes.length - 1];
    for (let i = 1; i < 20; i++) lengths.push(Math.floor((bytes.length * i) / 20));
    for (const length of lengths) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(await failure(folder)).toContain('<folder>/agent.safetensors');
    }
    writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)]));
    expect(await failure(folder)).toContain('<folder>/agent.safetensors');
  });

  test('of another kind', async () => {
    const { folder } = await saved();
    rewrite(folder, () => ({ metadata: {} }));
    expect(await failure(folder)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: expected an agent, got another kind of file."`,
    );
    rewrite(folder, () => ({ metadata: { kind: 'tessera-tokenizer' } }));
    expect(await failure(folder)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: expected an agent, got tessera-tokenizer."`,
    );
  });

  test('of a newer version, or of none', async () => {
    const { folder } = await saved();
    const version = (formatVersion?: string) =>
      rewrite(folder, ({ metadata }) => ({
        metadata: { ...without(metadata, 'formatVersion'), ...(formatVersion !== undefined && { formatVersion }) },
      }));
    version('2');
    expect(await failure(folder)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: expected format version 1, got 2. It was written by a newer Tessera: update."`,
    );
    version('x');
    expect(await failure(folder)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: expected format version 1, got x."`,
    );
    version();
    expect(await failure(folder)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: expected format version 1, got none."`,
    );
  });

  test('whose settings are none', async () => {
    const { folder } = await saved();
    const texts = ['', '{"actions": ', 'null', '[]', '3', '{}', '{"__proto__": 1}'];
    for (const settings of texts) {
      rewrite(folder, ({ metadata }) => ({ metadata: { ...metadata, settings } }));
      expect(await failure(folder)).toContain('<folder>/agent.safetensors');
    }
    rewrite(folder, ({ metadata }) => ({ metadata: without(metadata, 'settings') }));
    expect(await failure(folder)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: its settings are no JSON: Unexpected end of JSON input."`,
    );
  });

  test('whose settings are misspelt or of the wrong kind', async () => {
    const { folder, agent } = await saved();
    const edited = async (change: (settings: Settings) => unknown) => {
      await saveAgent(folder, agent);
      editSettings(folder, change);
      return failure(folder);
    };
    expect(await edited((settings) => ({ ...settings, worldModel: { ...settings.worldModel, wdith: 8 } })))
      .toMatchInlineSnapshot(`
      "FormatError: <folder>/agent.safetensors: ✖ Unrecognized key: "wdith"
        → at worldModel"
    `);
    expect(await edited((settings) => ({ ...settings, actions: { count: 0.5, first: null } }))).toMatchInlineSnapshot(`
      "FormatError: <folder>/agent.safetensors: ✖ Invalid input: expected int, received number
        → at actions.count
      ✖ Invalid input: expected number, received null
        → at actions.first"
    `);
    expect(
      await edited((settings) => ({ ...settings, worldModel: { ...settings.worldModel, heads: 3 } })),
    ).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: WorldModel: a width of 8 does not divide into 3 heads. Choose heads that divide worldModel.width."`,
    );
  });

  test('whose settings ask for a machine that nobody has', async () => {
    const { folder, agent } = await saved();
    const huge: [keyof Settings, string, number][] = [
      ['worldModel', 'width', 2 ** 20],
      ['worldModel', 'layers', 2 ** 40],
      ['worldModel', 'context', 2 ** 40],
      ['worldModel', 'expansion', Number.MAX_SAFE_INTEGER],
      ['worldModel', 'stem', 2 ** 40],
      ['behaviour', 'embedding', 2 ** 40],
      ['behaviour', 'hidden', 100_000],
      ['actions', 'count', 2 ** 40],
    ];
    for (const [part, name, value] of huge) {
      await saveAgent(folder, agent);
      editSettings(folder, (settings) => ({ ...settings, [part]: { ...settings[part], [name]: value } }));
      expect(await failure(folder)).toMatch(
        /^FormatError: <folder>\/agent\.safetensors: its settings need \S+ numbers or more, but it has \d+\.$/,
      );
    }
  });

  test('whose settings are those of another agent', async () => {
    const { folder } = await saved();
    editSettings(folder, (settings) => ({ ...settings, behaviour: { ...settings.behaviour, hidden: 4 } }));
    expect(await failure(folder)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: state: 'adam.first.hidden/0/bias' is of shape [4], got [8]."`,
    );
  });

  test('with a tensor too many, too few, or of another shape', async () => {
    const { folder } = await saved();
    const { tensors } = decodeSafetensors(readFileSync(join(folder, 'agent.safetensors')));
    const lie = async (changes: Record<string, NdArray | undefined>) => {
      const all = Object.entries({ ...tensors, ...changes }).filter((entry) => entry[1] !== undefined);
      rewrite(folder, () => ({ tensors: Object.fromEntries(all) as Safetensors['tensors'] }));
      return failure(folder);
    };
    expect(await lie({ 'worldModel.parameters.positions': undefined })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: WorldModel.loadState: 'parameters.positions' is missing."`,
    );
    expect(await lie({ 'behaviour.counters.batches': undefined })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: Behaviour.loadState: 'counters.batches' is missing."`,
    );
    expect(await lie({ 'behaviour.extra': ndarray('float32', [1]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: state: there is no 'extra'."`,
    );
    expect(await lie({ extra: ndarray('float32', [1]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: has a tensor 'extra' that belongs to no network."`,
    );
    expect(await lie({ 'worldModel.parameters.positions': ndarray('float32', [8, 17]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: state: 'parameters.positions' is of shape [17, 8], got [8, 17]."`,
    );
    expect(await lie({ 'behaviour.parameters.table': ndarray('float64', [16, 4]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: state: 'parameters.table' is float32, got float64."`,
    );
    expect(await lie({ 'worldModel.counters.updates': ndarray('int32', [], Int32Array.of(-1)) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: WorldModel.loadState: expected 'counters.updates' as a count, int32 [] of 0 or more, got int32 [] of -1."`,
    );
    expect(await lie({ 'behaviour.counters.batches': ndarray('float32', [0]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: does not fit its own settings: Behaviour.loadState: expected 'counters.batches' as a count, int32 [] of 0 or more, got float32 [0]."`,
    );
    // Every tensor is missed.
    for (const name of Object.keys(tensors)) expect(await lie({ [name]: undefined })).toContain('is missing');
  });
});

describe('a tokenizer that the agent was not trained on', () => {
  const other = (changes: Partial<Tokenizer['spec']>): Tokenizer => {
    const tokenizer = new PixelTokenizer();
    return Object.assign(tokenizer, { spec: { ...tokenizer.spec, ...changes } });
  };

  test('is refused, and not disposed of', async () => {
    const { folder } = await saved();
    expect(await failure(folder, other({ vocabulary: 15 }))).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: the agent was trained on a tokenizer of vocabulary 16, got one of 15. Use the tokenizer that it was trained on."`,
    );
    expect(await failure(folder, other({ codeDim: 3 }))).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: the agent was trained on a tokenizer of codeDim 2, got one of 3. Use the tokenizer that it was trained on."`,
    );
    expect(await failure(folder, other({ tokenShape: [16] }))).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: the agent was trained on a tokenizer of tokenShape 4,4, got one of 16. Use the tokenizer that it was trained on."`,
    );
    const tokenizer = new PixelTokenizer();
    Object.assign(tokenizer, { spec: { ...tokenizer.spec, frameShape: [4, 2, 2] } });
    expect(await failure(folder, tokenizer)).toMatchInlineSnapshot(
      `"FormatError: <folder>/agent.safetensors: the agent was trained on a tokenizer of frameShape 4,4,1, got one of 4,2,2. Use the tokenizer that it was trained on."`,
    );
    expect(tokenizer.disposed).toBe(false);
  });

  test('is refused too when it lies in the folder', async () => {
    const { folder } = await saved();
    const tokenizer = new NearestTokenizer({ frameShape: [4, 4, 1], tokenShape: [2, 2], vocabulary: 16 });
    await saveTokenizer(join(folder, 'tokenizer'), tokenizer);
    await expect(loadAgent(cpu, folder)).rejects.toThrow(/a tokenizer of codeDim 2, got one of 4/);
  });
});
