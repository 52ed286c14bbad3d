/*
 * The long form of `npm test`: property tests with fifty times the runs, the law of the modifiers over a million cases
 * each, and the soak specs (`*.soak.ts`).
 *
 *   node scripts/test-deep.mjs [JEST OPTION ...]
 *
 * FC_NUM_RUNS and LAW_CASES, when they are set, decide the numbers instead.
 */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const usualRuns = 100;
const factor = 50;

const node = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
const jest = ['node_modules/jest/bin/jest.js', '--testRegex', '\\.(spec|soak)\\.ts$', '--testTimeout', '600000'];
const { status } = spawnSync(process.execPath, [...node, ...jest, ...process.argv.slice(2)], {
  cwd: dirname(dirname(fileURLToPath(import.meta.url))),
  stdio: 'inherit',
  env: { FC_NUM_RUNS: String(usualRuns * factor), LAW_CASES: '1000000', ...process.env },
});
process.exitCode = status ?? 1;
