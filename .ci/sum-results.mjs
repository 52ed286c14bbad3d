/*
 * Adds up the results of Jest (its JSON report) and of the SDK tests (the TAP report of node:test). Names each test
 * that failed with the head of its message, then prints "N passed, N failed" as the last line. A report that is
 * absent, or a spec file that did not even load, counts as one failure.
 *
 *   node .ci/sum-results.mjs JEST.json SDK.tap
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const MESSAGE_LINES = 25;

const [jestPath, tapPath] = process.argv.slice(2);
const parts = [partOf(jestPath, readJest), partOf(tapPath, readTap)];
for (const failure of parts.flatMap((part) => part.failures)) console.log(`FAILED ${failure}\n`);
const passed = parts.reduce((sum, part) => sum + part.passed, 0);
const failed = parts.reduce((sum, part) => sum + part.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function partOf(path, read) {
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    return { passed: 0, failed: 1, failures: [`${path}: no report: ${error.message}`] };
  }
}

function readJest(text) {
  const report = JSON.parse(text);
  const failures = report.testResults.flatMap((file) => {
    const name = relative('.', file.name);
    const tests = file.assertionResults.filter((test) => test.status === 'failed');
    if (tests.length === 0 && file.status === 'failed') return [`${name}: did not load\n${head(file.message)}`];
    return tests.map((test) => `${name}: ${test.fullName}\n${head(test.failureMessages.join('\n'))}`);
  });
  return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites, failures };
}

function readTap(text) {
  if (!/^# pass \d+$/m.test(text)) throw new Error('the run did not come to its end');
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  const failures = [...text.matchAll(/^ *not ok \d+ - (.*)\n *---\n([^]*?)^ *\.\.\.$/gm)]
    .filter(([, , details]) => details.includes("type: 'test'"))
    .map(([, name, details]) => `test/sdk: ${name}\n${head(details)}`);
  return { passed: count('pass'), failed: count('fail') + count('cancelled'), failures };
}

function head(message) {
  return message.split('\n').slice(0, MESSAGE_LINES).join('\n');
}
