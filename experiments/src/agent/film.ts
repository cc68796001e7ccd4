// Films of an agent: what it sees, what its tokenizer keeps of that, the codes as colours, what its world model dreams, and what its policy thinks.
import { dreamEpisode } from '@tessera/agent';
import type { Agent, Episode } from '@tessera/agent';
import { encodeGif, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { framesToPictures, grid, pixelText, renderCodes, stackRows, textSize, upscale } from '@tessera/runs';
import type { Picture } from '@tessera/runs';
import { actionNames } from '../action-names.ts';
import { blank, policyPanel, put, valuePanel } from './policy-panels.ts';

/** Pixels of a panel's longer side, about. */
const panelSize = 160;
const gap = 8;
/** Height of what the policy thinks. */
const thoughtHeight = 72;
const panelTitles = ['real', 'decoded', 'tokens', 'dream'];

/** How a film plays. */
export interface FilmOptions {
  /** The dream sees a real frame again every so many steps; default 16. */
  readonly lookEvery?: number;
  /** Time of a frame in ms; default 120. */
  readonly delayMs?: number;
}

/** How the film of an episode plays. */
export interface EpisodeFilmOptions extends FilmOptions {
  /** What the actions are called; default their numbers. */
  readonly names?: readonly string[];
}

/** A GIF of an episode: the pictures of `filmPictures`. */
export function filmEpisode(agent: Agent, episode: Episode, options: EpisodeFilmOptions = {}): Uint8Array {
  return encodeGif(filmPictures(agent, episode, options), { delayMs: options.delayMs ?? 120 });
}

/**
 * A picture for every frame of an episode. Side by side: the real frame, its reconstruction, its codes as colours, the dream. Below: how likely the policy finds each
 * action, the one that it takes in a colour of its own, and the value of the frames so far as a curve. The last frame was never acted on.
 */
export function filmPictures(
  agent: Agent,
  episode: Episode,
  { lookEvery = 16, names = actionNames('', agent.actions) }: EpisodeFilmOptions = {},
): Picture[] {
  const { probabilities, values, actions } = episode;
  const dream = dreamEpisode(agent, episode, { lookEvery });
  const [real, reconstructed, imagined] = [episode.frames, dream.reconstruction, dream.imagined].map(panels);
  const codes = codePanels(agent, dream.tokens, real![0]!);
  const width = real![0]!.shape[1]!;
  const titles = grid(
    panelTitles.map((title) => titled(title, width)),
    { columns: panelTitles.length, gap },
  );
  const half = { height: thoughtHeight, width: 2 * width + gap };
  return real!.map((panel, i) => {
    const taken = actions[i];
    const policy =
      taken === undefined
        ? blank(half)
        : policyPanel(
            {
              probabilities: probabilities.data.subarray(i * names.length, (i + 1) * names.length),
              chosen: taken - agent.actions.first,
              names,
            },
            half,
          );
    return stackRows(
      [
        titles,
        grid([panel, reconstructed![i]!, codes[i]!, imagined![i]!], { columns: panelTitles.length, gap }),
        grid([policy, valuePanel(values, i, half)], { columns: 2, gap }),
      ],
      { gap },
    );
  });
}

/** A title of a panel, in letters that fit. */
function titled(title: string, width: number): Picture {
  const picture = blank({ height: textSize(1, 2)[0], width });
  put(picture, pixelText(title, { scale: textSize(title.length, 2)[1] <= width ? 2 : 1 }), { left: 0, top: 0 });
  return picture;
}

/** A GIF of several episodes side by side, the real ones above, what the world model imagines from their first frames on below. Short ones wait for the longest. */
export function filmDreams(
  agent: Agent,
  episodes: readonly Episode[],
  { lookEvery = 16, delayMs = 120 }: FilmOptions = {},
): Uint8Array {
  const rows = episodes.map((episode) => ({
    real: panels(episode.frames),
    imagined: panels(dreamEpisode(agent, episode, { lookEvery }).imagined),
  }));
  const length = Math.max(...rows.map(({ real }) => real.length));
  const at = (pictures: readonly Picture[], i: number) => pictures[Math.min(i, pictures.length - 1)]!;
  const line = (kind: 'real' | 'imagined', i: number) =>
    grid(
      rows.map((row) => at(row[kind], i)),
      { columns: rows.length, gap },
    );
  const frames = Array.from({ length }, (_, i) => stackRows([line('real', i), line('imagined', i)], { gap: 2 * gap }));
  return encodeGif(frames, { delayMs });
}

function panels(frames: NdArray<'uint8'>): Picture[] {
  const [, height = 1, width = 1] = frames.shape;
  const factor = Math.max(1, Math.floor(panelSize / Math.max(height, width)));
  return framesToPictures(frames).map((picture) => upscale(picture, factor));
}

/** Codes as colours, each picture as large as `like`. */
function codePanels(agent: Agent, tokens: NdArray<'int32'>, like: Picture): Picture[] {
  const { tokenShape, vocabulary } = agent.tokenizer.spec;
  const columns = tokenShape.at(-1) ?? 1;
  const [count, width] = tokens.shape as [number, number];
  const [height, across] = like.shape as [number, number, number];
  return Array.from({ length: count }, (_, i) => {
    const map = ndarray('int32', [width / columns, columns], tokens.data.slice(i * width, (i + 1) * width));
    return stretch(renderCodes(map, { codes: vocabulary, cell: 1 }), height, across);
  });
}

/** Nearest pixel; sizes need not be multiples. */
function stretch(picture: Picture, height: number, width: number): Picture {
  const [rows, columns] = picture.shape as [number, number, number];
  const out = ndarray('uint8', [height, width, 3]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)) * 3;
      out.data.set(picture.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return out;
}
