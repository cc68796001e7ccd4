// What a file of tokens says about itself: which tokenizer made it, and of what.
import { FormatError } from '@tessera/core';
import { z } from 'zod';

const tokenFormat = 'tessera-tokens';
const tokenFormatVersion = '1';

/** Sizes of a tokenizer, and which one it is. */
export interface TokenizerIdentity {
  /** SHA-256 of its file. */
  readonly id: string;
  readonly frameShape: readonly number[];
  readonly tokenShape: readonly number[];
  readonly vocabulary: number;
  readonly codeDim: number;
}

const tokenizerSchema: z.ZodType<TokenizerIdentity> = z.strictObject({
  id: z.string(),
  frameShape: z.array(z.int()),
  tokenShape: z.array(z.int()),
  vocabulary: z.int(),
  codeDim: z.int(),
});
const picturesSchema: z.ZodType<readonly string[]> = z.array(z.string());

/** What the metadata of a token file say. */
export interface TokenMetadata {
  /** The tokenizer that made the tokens. */
  readonly tokenizer: TokenizerIdentity;
  /** What the tokens were made of; differs when that has changed. */
  readonly source: string;
  /** Names of pictures, one for each row of tokens; undefined for frames without names. */
  readonly pictures: readonly string[] | undefined;
}

/** The texts of a token file; `others` are those of the shard that it was made of. */
export function tokenMetadata(
  { tokenizer, source, pictures }: TokenMetadata,
  others: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    ...others,
    format: tokenFormat,
    formatVersion: tokenFormatVersion,
    tokenizer: JSON.stringify(tokenizer),
    source,
    ...(pictures !== undefined && { pictures: JSON.stringify(pictures) }),
  };
}

/** Reads `tokenMetadata` back. Throws FormatError for anything else; `where` names the file. */
export function parseTokenMetadata(where: string, metadata: Readonly<Record<string, string>>): TokenMetadata {
  const { format, formatVersion, source = '' } = metadata;
  if (format !== tokenFormat) {
    throw new FormatError(`${where}: expected a file of tokens, got one of format ${JSON.stringify(format)}.`);
  }
  if (formatVersion !== tokenFormatVersion) {
    const newer =
      Number(formatVersion) > Number(tokenFormatVersion) ? ' It was written by a newer Tessera: update.' : '';
    throw new FormatError(
      `${where}: expected a file of tokens of format version ${tokenFormatVersion}, got ${JSON.stringify(formatVersion)}.${newer}`,
    );
  }
  const field = <T>(name: string, schema: z.ZodType<T>): T => {
    try {
      return schema.parse(JSON.parse(metadata[name] ?? ''));
    } catch (cause) {
      throw new FormatError(`${where}: its metadata '${name}' are not as tessera tokenize writes them.`, { cause });
    }
  };
  const pictures = metadata['pictures'] === undefined ? undefined : field('pictures', picturesSchema);
  return { tokenizer: field('tokenizer', tokenizerSchema), source, pictures };
}
