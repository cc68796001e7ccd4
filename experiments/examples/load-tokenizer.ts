// A trained tokenizer in a program of one's own: a picture as tokens, and the picture that they stand for.
//
//   npx tessera train tokenizer   # trains on Breakout and prints the run folder
//   npx tsx experiments/examples/load-tokenizer.ts RUN_FOLDER PICTURE.png
import { readFile, writeFile } from 'node:fs/promises';
import { decodePng, encodePng, ndarray } from '@tessera/core';
import { createEngine } from '@tessera/engine/node';
import { toBytes, toUnit } from '@tessera/vqvae';
import { loadTokenizer } from '@tessera/vqvae/node';

const [run = 'run', file = 'picture.png'] = process.argv.slice(2);

const tokenizer = await loadTokenizer(await createEngine(), `${run}/tokenizer`);
const { shape, data } = decodePng(await readFile(file), { source: file });
const tokens = tokenizer.encode(toUnit(ndarray('uint8', [1, ...shape], data))); // int32 [1, rows, columns]
const decoded = toBytes(tokenizer.decode(tokens)); // uint8 [1, height, width, channels]
process.stdout.write(`${tokens.data.join(' ')}\n`);
await writeFile('decoded.png', encodePng(ndarray('uint8', shape, decoded.data)));
