/*
 * Adds up the results of Jest (its JSON report) and of the SDK tests (the TAP report of node:test), and prints
 * "N passed, N failed". A report that is absent, or a spec file that did not even load, counts as one failure.
 *
 *   node .ci/sum-results.mjs JEST.json SDK.tap
 */
import { existsSync, readFileSync } from 'node:fs';

const [jestPath, tapPath] = process.argv.slice(2);
const parts = [readJest(jestPath), readTap(tapPath)];
const passed = parts.reduce((sum, part) => sum + part.passed, 0);
const failed = parts.reduce((sum, part) => sum + part.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function readJest(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function readTap(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1 };
  const text = readFileSync(path, 'utf8');
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  if (!/^# pass \d+$/m.test(text)) return { passed: 0, failed: 1 };
  return { passed: count('pass'), failed: count('fail') + count('cancelled') };
}
