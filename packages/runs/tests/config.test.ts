import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { mergeLayers, parseSetting, valueAt } from '../src/config-layers.ts';
import { parseConfig, resolveConfig } from '../src/parse-config.ts';
import { describeSchema, schemaDefaults } from '../src/schema-help.ts';

const schema = z.strictObject({
  steps: z.int().min(1).default(2000).describe('Environment steps to learn from').meta({ unit: 'steps' }),
  learningRate: z.number().gt(0).lte(1).describe('Step size of Adam').default(3e-4),
  loss: z.enum(['mse', 'cross-entropy']).default('mse').describe('Reconstruction loss'),
  name: z.string().min(1).optional(),
  width: z.int().multipleOf(8).max(512).default(64),
  quantizer: z
    .strictObject({
      codes: z.int().min(2).default(64).describe('Size of the codebook'),
      decay: z.number().min(0).max(1).nullable().default(null),
      restart: z.boolean().default(true),
    })
    .prefault({ restart: false }),
  channels: z.array(z.int().positive()).min(1).default([32, 64]),
  crop: z.tuple([z.int(), z.int()]).optional(),
  warmUp: z.union([z.literal('auto'), z.int()]).default('auto'),
});

describe('describeSchema', () => {
  test('has a row for each setting, nested ones by path', () => {
    const rows = describeSchema(schema).map((row) => Object.values(row).join(' | '));
    expect(rows.join('\n')).toMatchInlineSnapshot(`
      "steps | integer >= 1 | 2000 | steps | Environment steps to learn from
      learningRate | number in (0, 1] | 0.0003 |  | Step size of Adam
      loss | 'mse' | 'cross-entropy' | "mse" |  | Reconstruction loss
      name | text, not empty | - |  | 
      width | integer <= 512, a multiple of 8 | 64 |  | 
      quantizer.codes | integer >= 2 | 64 |  | Size of the codebook
      quantizer.decay | number in [0, 1] | null | null |  | 
      quantizer.restart | true | false | false |  | 
      channels | list of integer > 0 | [32,64] |  | 
      crop | [integer, integer] | - |  | 
      warmUp | 'auto' | integer | "auto" |  | "
    `);
  });

  test('says that a setting without a default is required', () => {
    expect(describeSchema(z.object({ env: z.string() }))[0]).toMatchObject({ default: 'required', type: 'text' });
  });

  test('the defaults are what an empty configuration parses to', () => {
    expect(schemaDefaults(schema)).toEqual(parseConfig(schema, {}, { source: 'nothing' }));
  });

  test('an optional object brings no defaults along', () => {
    const inner = z.object({ a: z.int().default(1) });
    expect(schemaDefaults(z.object({ off: inner.optional(), on: inner.prefault({}) }))).toEqual({ on: { a: 1 } });
  });
});

describe('parseConfig', () => {
  const parse = (input: unknown) => (): unknown => parseConfig(schema, input, { source: 'run.json' });

  test('suggests the field that a misspelt one may mean', () => {
    expect(parse({ quantizer: { codess: 3 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: run.json: unknown field 'codess' in 'quantizer'. Did you mean 'codes'?]`,
    );
    expect(parse({ optimiser: 'adam' })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: run.json: unknown field 'optimiser'. Known: steps, learningRate, loss, name, width, quantizer, channels, crop, warmUp.]`,
    );
  });

  test('rejects unknown fields of a schema that is not strict', () => {
    const lax = z.object({ steps: z.int(), layers: z.array(z.object({ width: z.int() })) });
    expect(() => parseConfig(lax, { steps: 1, layers: [{ widht: 2 }] }, { source: 'x' }))
      .toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: x: unknown field 'widht' in 'layers.0'. Did you mean 'width'?
      x: layers.0.width: is missing; expected integer.]
    `);
  });

  test('names field, expected and got for each problem', () => {
    const bad = {
      steps: 0.5,
      learningRate: 'fast',
      loss: 'mae',
      name: '',
      width: 7,
      quantizer: { codes: 1, decay: Number.NaN, restart: 1 },
      channels: [],
      crop: [1],
      warmUp: 'later',
    };
    expect(parse(bad)).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: run.json: steps: expected integer >= 1, got 0.5.
      run.json: learningRate: expected number in (0, 1], got "fast".
      run.json: loss: expected 'mse' | 'cross-entropy', got "mae".
      run.json: name: expected text, not empty, got "".
      run.json: width: expected integer <= 512, a multiple of 8, got 7.
      run.json: quantizer.codes: expected integer >= 2, got 1.
      run.json: quantizer.decay: expected number in [0, 1] | null, got NaN.
      run.json: quantizer.restart: expected true | false, got 1.
      run.json: channels: expected list of integer > 0, at least 1 long, got [].
      run.json: crop: expected [integer, integer], at least 2 long, got [1].
      run.json: warmUp: expected 'auto' | integer, got "later".]
    `);
  });

  test('wants an object', () => {
    expect(parse([1, 2])).toThrowErrorMatchingInlineSnapshot(`[ConfigError: run.json: expected object, got [1,2].]`);
    expect(parse(undefined)).toThrow('run.json: expected object, got nothing.');
  });

  test('keeps the message of a rule across fields', () => {
    const rule = z
      .object({ a: z.int(), b: z.int() })
      .refine(({ a, b }) => a < b, { error: 'a must be less than b', path: ['a'] });
    expect(() => parseConfig(rule, { a: 2, b: 1 }, { source: 'x' })).toThrow('x: a: a must be less than b');
  });

  test.prop([fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true })])(
    'whatever comes, it is parsed or refused with a ConfigError',
    (input) => {
      try {
        parseConfig(schema, input, { source: 'run.json' });
      } catch (error) {
        expect(error).toMatchObject({ name: 'ConfigError', message: expect.stringMatching(/^run\.json: /) as unknown });
      }
    },
  );
});

describe('layers', () => {
  test('defaults < file < command line, field by field', () => {
    const config = resolveConfig(schema, [
      { source: 'run.json', values: { steps: 10, quantizer: { codes: 8 } } },
      parseSetting('quantizer.codes=16', schema),
    ]);
    expect(config).toMatchObject({ steps: 10, loss: 'mse', quantizer: { codes: 16, restart: false } });
  });

  test('an error names the layer that set the value', () => {
    const layers = [
      { source: 'run.json', values: { steps: 0, quantizer: { restart: false } } },
      parseSetting('quantizer.codes=1', schema),
      parseSetting('quantizer.deccay=0.9', schema),
    ];
    expect(() => resolveConfig(schema, layers)).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: --set quantizer.deccay=0.9: unknown field 'deccay' in 'quantizer'. Did you mean 'decay'?
      run.json: steps: expected integer >= 1, got 0.
      --set quantizer.codes=1: quantizer.codes: expected integer >= 2, got 1.]
    `);
  });

  test('a layer that is no object is refused', () => {
    expect(() => mergeLayers([{ source: 'run.json', values: [1] }])).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: run.json: expected an object of settings, got [1].]`,
    );
  });

  const settings = fc.dictionary(
    fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor'), fc.string()),
    fc.jsonValue(),
  );

  test.prop([settings])('merging with nothing, or with itself, changes nothing', (values) => {
    const merge = (...layers: unknown[]): unknown =>
      mergeLayers(layers.map((layer) => ({ source: 's', values: layer }))).values;
    const copy = Object.fromEntries(Object.entries(values));
    expect(merge(copy, {})).toEqual(copy);
    expect(merge({}, copy)).toEqual(copy);
    expect(merge(copy, copy)).toEqual(copy);
  });

  function scalars(value: unknown, path: string[] = []): { path: string[]; value: unknown }[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ path, value }];
    return Object.entries(value).flatMap(([key, inside]) => scalars(inside, [...path, key]));
  }

  test.prop([settings, settings])(
    'every value of the last layer is in the result, and comes from it',
    (below, above) => {
      const merged = mergeLayers([
        { source: 'below', values: Object.fromEntries(Object.entries(below)) },
        { source: 'above', values: Object.fromEntries(Object.entries(above)) },
      ]);
      for (const { path, value } of scalars(above)) {
        expect(valueAt(merged.values, path)).toEqual(value);
        expect(merged.sourceOf(path)).toBe('above');
      }
      for (const { path } of scalars(below)) {
        if (valueAt(above, path.slice(0, 1)) === undefined) expect(merged.sourceOf(path)).toBe('below');
      }
    },
  );

  test('a key that names the prototype is a key like any other', () => {
    expect(() => resolveConfig(schema, [parseSetting('__proto__.polluted=1', schema)])).toThrow(
      "unknown field '__proto__'",
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('parseSetting', () => {
  const value = (text: string): unknown => parseSetting(text, schema).values;

  test('reads JSON, and text where the schema wants text', () => {
    expect(value('steps=1e3')).toEqual({ steps: 1000 });
    expect(value('channels=[8, 16]')).toEqual({ channels: [8, 16] });
    expect(value('quantizer.decay=null')).toEqual({ quantizer: { decay: null } });
    expect(value('loss=mse')).toEqual({ loss: 'mse' });
    expect(value('name=12')).toEqual({ name: '12' });
    expect(value('name=a=b')).toEqual({ name: 'a=b' });
    expect(value('warmUp=auto')).toEqual({ warmUp: 'auto' });
  });

  test.prop([fc.constantFrom('steps', '', '=3', 'a..b=3', '.=1', ' =1')])('refuses what is no setting', (text) => {
    expect(() => value(text)).toThrow(`--set ${text}: expected path.to.field=value, as in --set steps=1000.`);
  });
});
