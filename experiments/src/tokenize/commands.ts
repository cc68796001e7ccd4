// The commands that take a trained tokenizer to other people's frames and programs, as the command line knows them.
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { backendChoices } from '../train-command.ts';
import { detokenizeCommand } from './detokenize-command.ts';
import type { DetokenizeOptions } from './detokenize-command.ts';
import { exportOnnxCommand } from './export-command.ts';
import { tokenFormats } from './token-files.ts';
import { tokenizeCommand } from './tokenize-command.ts';
import type { TokenizeOptions } from './tokenize-command.ts';

const tokenizerArgument = ['<tokenizer>', 'a run folder, or a folder that saveTokenizer wrote'] as const;

/** Adds `tokenize`, `detokenize` and `export onnx` to the program. */
export function addTokenCommands(program: Command, io: Io, exitWith: (code: number) => void): void {
  program
    .command('tokenize')
    .description('Turn PNGs or the frames of a replay into tokens.')
    .argument(...tokenizerArgument)
    .argument('<frames>', 'a folder of PNGs, or the replay folder of a run')
    .requiredOption('--out <dir>', 'folder for the files of tokens; made if it is missing')
    .addOption(
      new Option('--format <name>', 'how they are written').choices(tokenFormats).default('safetensors' as const),
    )
    .option('--resize', 'make pictures of other sizes fit: each pixel the mean of what it covers')
    .option('--overwrite', 'replace the files of tokens that are there, instead of going on')
    .option('--backend <name>', `back end: ${backendChoices.join(', ')}`)
    .action(async (tokenizer: string, frames: string, options: TokenizeOptions) =>
      exitWith(await tokenizeCommand(tokenizer, frames, options, io)),
    );
  program
    .command('detokenize')
    .description('Turn tokens back into PNGs.')
    .argument(...tokenizerArgument)
    .argument('<tokens>', 'a folder of tessera tokenize, or a .npy or .safetensors file of tokens')
    .requiredOption('--out <dir>', 'folder for the pictures; made if it is missing')
    .option('--overwrite', 'replace pictures that are there')
    .option('--backend <name>', `back end: ${backendChoices.join(', ')}`)
    .action(async (tokenizer: string, tokens: string, options: DetokenizeOptions) =>
      exitWith(await detokenizeCommand(tokenizer, tokens, options, io)),
    );
  program
    .command('export')
    .description('Write a tokenizer as models for other runtimes.')
    .command('onnx')
    .description('As ONNX: encoder.onnx, codebook.onnx, decoder.onnx.')
    .argument(...tokenizerArgument)
    .requiredOption('--out <dir>', 'folder for the models; made if it is missing')
    .action(async (tokenizer: string, options: { out: string }) =>
      exitWith(await exportOnnxCommand(tokenizer, options, io)),
    );
}
