// Coloured text for terminals (gymnasium/utils/colorize.py).

const codes = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35 } as const;

export interface ColorizeOptions {
  readonly bold?: boolean;
  /** Colours the background instead of the letters. */
  readonly highlight?: boolean;
}

/** The text between the escape sequences of a colour and of its end. */
export function colorize(text: string, colour: keyof typeof codes, options: ColorizeOptions = {}): string {
  const { bold = false, highlight = false } = options;
  const code = codes[colour] + (highlight ? 10 : 0);
  return `\u001b[${code}${bold ? ';1' : ''}m${text}\u001b[0m`;
}
