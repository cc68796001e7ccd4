// Compiles assembly/*.ts with AssemblyScript into src/wasm/kernels.generated.ts, so that users need no compiler and browsers no extra file.
//   node scripts/build-wasm.mjs           compile
//   node scripts/build-wasm.mjs --check   exit with 1 when the generated file is older than its sources (no compilation)
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = join(root, 'src/wasm/kernels.generated.ts');
// The module owns nothing in the memory that it imports: no data segment, no allocator, no stack.
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--importMemory', '--noExportMemory'];

/** Every source of the module as [file name, text], in the order of the names. */
function readSources() {
  return readdirSync(join(root, 'assembly'))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => [name, readFileSync(join(root, 'assembly', name), 'utf8').replaceAll('\r\n', '\n')]);
}

function hashSources() {
  const hash = createHash('sha256').update(options.join(' '));
  for (const [name, text] of readSources()) hash.update(`\0${name}\0${text}`);
  return hash.digest('hex');
}

async function compile() {
  const { default: asc } = await import('assemblyscript/asc');
  const outputs = new Map();
  const sources = new Map(readSources().map(([name, text]) => [`assembly/${name}`, text]));
  const { error } = await asc.main(['assembly/index.ts', ...options, '--outFile', 'kernels.wasm'], {
    readFile: (name) => sources.get(name.replaceAll('\\', '/')) ?? null,
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
  });
  if (error) throw new Error(`asc could not compile the kernels: ${error.message}`);
  return outputs.get('kernels.wasm');
}

if (process.argv.includes('--check')) {
  const current = readFileSync(generated, 'utf8').includes(hashSources());
  if (!current) process.stderr.write('src/wasm/kernels.generated.ts is stale: run node scripts/build-wasm.mjs\n');
  process.exitCode = current ? 0 : 1;
} else {
  const hash = hashSources();
  const wasm = await compile();
  writeFileSync(
    generated,
    `// Written by scripts/build-wasm.mjs from assembly/*.ts; do not edit.\n// SHA-256 of the sources and compiler options: ${hash}\n\n` +
      `/** The WebAssembly module, ${wasm.length} bytes. */\nexport const moduleBase64: string =\n  '${Buffer.from(wasm).toString('base64')}';\n`,
  );
  process.stdout.write(`kernels.generated.ts: ${wasm.length} bytes of WebAssembly\n`);
}
