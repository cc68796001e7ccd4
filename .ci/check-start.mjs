// Holds the result of `npm start` against what the README promises: the tokenizer sees the ball.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [root] = process.argv.slice(2);
const [run] = readdirSync(root);
const { tokenizer, wallSeconds, backend } = JSON.parse(readFileSync(join(root, run, 'result.json'), 'utf8'));
const checks = {
  'NMSE <= 0.03': tokenizer.nmse <= 0.03,
  'ball recall >= 0.97': tokenizer.ballRecall >= 0.97,
  'usage >= 0.9 of its ceiling': tokenizer.usage >= 0.9 * tokenizer.usageCeiling,
};
console.log(JSON.stringify({ backend, wallSeconds, tokenizer }));
for (const [check, holds] of Object.entries(checks)) if (!holds) console.log(`npm start: not true: ${check}`);
process.exitCode = Object.values(checks).every(Boolean) ? 0 : 1;
