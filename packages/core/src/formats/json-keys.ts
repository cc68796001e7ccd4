// Finds a name that stands twice in one object of a JSON text, which JSON.parse passes over in silence: the last one would win unseen.

/** The first name that stands twice in one object of a valid JSON text. */
export function duplicateKey(json: string): string | undefined {
  // One set of names for each open object or list; a list's stays empty.
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const letter = json[i]!;
    if (letter === '{' || letter === '[') open.push(new Set());
    else if (letter === '}' || letter === ']') open.pop();
    else if (letter === '"') {
      // By hand: a regular expression runs out of stack on a hostile text.
      const start = i++;
      while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
      let after = i + 1;
      while (' \t\n\r'.includes(json[after]!)) after++;
      if (json[after] !== ':') continue; // a value, not a name
      const name = JSON.parse(json.slice(start, i + 1)) as string;
      if (open.at(-1)!.has(name)) return name;
      open.at(-1)!.add(name);
    }
  }
  return undefined;
}
