// Prints the closing line of a CI run: tests by outcome, with failed steps other than the tests counted as failures.
import { readFileSync } from 'node:fs';

const [file, failedSteps] = process.argv.slice(2);
let counts = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };
try {
  counts = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  console.log('the tests left no report');
}
const { numPassedTests: passed, numFailedTests, numPendingTests, numTodoTests } = counts;
const failed = Math.max(numFailedTests, Number(failedSteps));
console.log(`${passed} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
