import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { plantProject, projectFolder, type PlantedProject } from './planted-project.ts';

// Other processes do the work here, and may have to wait for a core.
jest.setTimeout(60_000);

const jestReport = (passed: number, failed: number, unloaded = 0): string =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numRuntimeErrorTestSuites: unloaded });
const tap = (passed: number, failed: number, cancelled = 0): string =>
  `TAP version 13\nok 1 - it\n# tests 9\n# pass ${passed}\n# fail ${failed}\n# cancelled ${cancelled}\n`;

describe('the last line of the continuous integration', () => {
  let project: PlantedProject | undefined;
  afterEach(() => project?.remove());

  it.each([
    ['both reports', { 'jest.json': jestReport(10, 0), 'sdk.tap': tap(5, 0) }, '15 passed, 0 failed'],
    ['failures in both', { 'jest.json': jestReport(10, 1), 'sdk.tap': tap(5, 2) }, '15 passed, 3 failed'],
    ['a spec that did not load', { 'jest.json': jestReport(10, 0, 1), 'sdk.tap': tap(5, 0) }, '15 passed, 1 failed'],
    ['a test that was cancelled', { 'jest.json': jestReport(10, 0), 'sdk.tap': tap(5, 0, 1) }, '15 passed, 1 failed'],
    ['a run of Jest that did not finish', { 'sdk.tap': tap(5, 0) }, '5 passed, 1 failed'],
    ['SDK tests that did not run', { 'jest.json': jestReport(10, 0) }, '10 passed, 1 failed'],
    [
      'SDK tests that were cut off',
      { 'jest.json': jestReport(10, 0), 'sdk.tap': 'TAP version 13\nok 1 - it\n' },
      '10 passed, 1 failed',
    ],
    ['half a report', { 'jest.json': '{"numPassed', 'sdk.tap': tap(5, 0) }, '5 passed, 1 failed'],
    ['nothing at all', {}, '0 passed, 2 failed'],
  ])('adds up %s', async (_title, files, expected) => {
    project = plantProject(files as Record<string, string>);
    const output = await project.run(join(projectFolder, '.ci/sum-results.mjs'), 'jest.json', 'sdk.tap');
    expect(output).toBe(`${expected}\n`);
  });
});
