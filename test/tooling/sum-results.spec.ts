import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { plantProject, projectFolder, type PlantedProject } from './planted-project.ts';

interface JestFile {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly assertionResults: readonly object[];
}

const jestReport = (passed: number, failed: number, unloaded = 0, testResults: readonly JestFile[] = []): string =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numRuntimeErrorTestSuites: unloaded, testResults });
const tap = (passed: number, failed: number, cancelled = 0, tests = 'ok 1 - it\n'): string =>
  `TAP version 13\n${tests}# tests 9\n# pass ${passed}\n# fail ${failed}\n# cancelled ${cancelled}\n`;

const failedTap = `\
    # Subtest: is bad
    not ok 1 - is bad
      ---
      type: 'test'
      error: '1 == 2'
      ...
not ok 1 - all of them
  ---
  type: 'suite'
  ...
`;

describe('the end of the continuous integration', () => {
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
    expect(output.split('\n').slice(-2)).toEqual([expected, '']);
  });

  const endOf = async (jestFiles: readonly JestFile[], tapText = tap(5, 0)): Promise<string> => {
    const failed = jestFiles.flatMap((file) => file.assertionResults).length;
    project = plantProject({ 'jest.json': jestReport(10, failed, 0, jestFiles), 'sdk.tap': tapText });
    return project.run(join(projectFolder, '.ci/sum-results.mjs'), 'jest.json', 'sdk.tap');
  };

  it('says nothing but the sum when all passed', async () => {
    expect(await endOf([{ name: 'a.spec.ts', status: 'passed', assertionResults: [] }])).toBe('15 passed, 0 failed\n');
  });

  it('names each test that failed, with its message', async () => {
    const assertionResults = [{ status: 'failed', fullName: 'a mask hides', failureMessages: ['Error: seen\n  at x'] }];
    expect(await endOf([{ name: 'a.spec.ts', status: 'failed', assertionResults }])).toBe(
      'FAILED a.spec.ts: a mask hides\nError: seen\n  at x\n\n15 passed, 1 failed\n',
    );
  });

  it('names a spec that did not load', async () => {
    const output = await endOf([{ name: 'a.spec.ts', status: 'failed', message: 'No module', assertionResults: [] }]);
    expect(output).toMatch(/^FAILED a\.spec\.ts: did not load\nNo module\n/);
  });

  it('names a test of the clients that failed, and not what holds it', async () => {
    const output = await endOf([], tap(5, 1, 0, failedTap));
    expect(output).toMatch(/^FAILED test\/sdk: is bad\n[^]*error: '1 == 2'\n/);
    expect(output).not.toContain('all of them');
  });

  it('shows the head of a long message only', async () => {
    const failureMessages = [Array.from({ length: 900 }, (_, line) => `line ${line}`).join('\n')];
    const assertionResults = [{ status: 'failed', fullName: 'it', failureMessages }];
    const output = await endOf([{ name: 'a.spec.ts', status: 'failed', assertionResults }]);
    expect(output.split('\n').length).toBeLessThan(40);
    expect(output).toContain('line 20\n');
  });

  it('says why there is no report', async () => {
    project = plantProject({ 'sdk.tap': tap(5, 0) });
    const output = await project.run(join(projectFolder, '.ci/sum-results.mjs'), 'jest.json', 'sdk.tap');
    expect(output).toMatch(/^FAILED jest\.json: no report: ENOENT/);
  });
});
