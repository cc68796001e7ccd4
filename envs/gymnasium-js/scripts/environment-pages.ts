// Makes the pages of environments: the class's doc comment, which is its specification, a picture, and measured returns. For the packages' own scripts/pages.ts.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { encodePng } from '@tessera/core';
import { make } from 'gymnasium-js';
import type { Env, RenderFrame, RenderSize } from 'gymnasium-js';

/** A policy to be measured: the action for an observation of this environment. */
export interface MeasuredPolicy {
  readonly name: string;
  readonly act: (observation: never, env: Env<unknown, unknown>) => unknown;
}

export interface Page {
  /** `docs/<file>.md` and `docs/<file>.png`. */
  readonly file: string;
  readonly title: string;
  /** Source file of the class, relative to the package. */
  readonly source: string;
  readonly ids: readonly string[];
  readonly picture: {
    readonly id: string;
    readonly options?: object;
    readonly size: RenderSize;
    readonly seed: number;
    readonly actions: readonly unknown[];
  };
  readonly policies: readonly MeasuredPolicy[];
  readonly episodes: number;
  /** Steps after which an episode is cut where `make` does not truncate. */
  readonly cap?: number;
  /** What is to be known beside the doc comment. */
  readonly notes?: string;
}

/** Takes samples of the action space. */
export const random: MeasuredPolicy = { name: 'random', act: (_observation, env) => env.actionSpace.sample() };

/** Writes the page and its picture into the package's folder `docs`; returns the rows of the table of returns. */
export function writePage(folder: URL, page: Page): string[] {
  const docs = new URL('docs/', folder);
  mkdirSync(docs, { recursive: true });
  writeFileSync(new URL(`${page.file}.png`, docs), encodePng(draw(page.picture)));
  const rows = page.ids.flatMap((id) => page.policies.map((policy) => measure(id, policy, page)));
  const comment = docComment(readFileSync(new URL(page.source, folder), 'utf8'));
  const cap = page.cap === undefined ? '' : ` Episodes are cut after ${page.cap} steps.`;
  const text = [
    `# ${page.title}`,
    '',
    `![${page.title}](${page.file}.png)`,
    '',
    `Ids: ${page.ids.map((id) => `\`${id}\``).join(', ')}.${page.notes === undefined ? '' : ` ${page.notes}`}`,
    '',
    comment,
    '',
    '## Returns',
    '',
    `Mean and standard error of ${page.episodes} episodes (seeds 0, 1, ...), and mean length.${cap} Measured by \`scripts/pages.ts\`.`,
    '',
    '| id | policy | return | steps |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ];
  writeFileSync(new URL(`${page.file}.md`, docs), text.join('\n'));
  return rows;
}

function draw({ id, options, size, seed, actions }: Page['picture']): Exclude<RenderFrame, string> {
  const env = make<unknown, unknown>(id, { ...options, renderMode: 'rgb_array', renderSize: size });
  env.reset({ seed });
  for (const action of actions) env.step(action);
  return env.render() as Exclude<RenderFrame, string>;
}

function measure(id: string, { name, act }: MeasuredPolicy, { episodes, cap }: Page): string {
  const env = make<unknown, unknown>(id, cap === undefined ? {} : { maxEpisodeSteps: cap });
  env.actionSpace.seed(0);
  let [sum, squares, steps] = [0, 0, 0];
  for (let seed = 0; seed < episodes; seed++) {
    let { observation } = env.reset({ seed });
    let total = 0;
    for (let isOver = false; !isOver; steps++) {
      const result = env.step(act(observation as never, env));
      ({ observation } = result);
      total += result.reward;
      isOver = result.terminated || result.truncated;
    }
    sum += total;
    squares += total * total;
  }
  const mean = sum / episodes;
  const error = Math.sqrt(Math.max(0, squares / episodes - mean * mean) / (episodes - 1));
  return `| \`${id}\` | ${name} | ${digits(mean)} ± ${digits(error)} | ${digits(steps / episodes)} |`;
}

const digits = (x: number): string => x.toFixed(Math.abs(x) < 10 ? 3 : 1);

/** The text of the comment in front of the exported class. */
export function docComment(source: string): string {
  const end = source.indexOf('\nexport class ');
  const comment = source.slice(source.lastIndexOf('/**', end), end);
  return comment
    .split('\n')
    .slice(1, -1)
    .map((line) => line.replace(/^ \* ?/, ''))
    .join('\n');
}
