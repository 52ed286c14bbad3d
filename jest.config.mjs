import { readFileSync } from 'node:fs';

const swc = JSON.parse(readFileSync(new URL('./.swcrc', import.meta.url), 'utf8'));
// Jest resolves the `.ts` specifiers itself, so they stay as they are written.
delete swc.jsc.rewriteRelativeImportExtensions;

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  setupFiles: ['<rootDir>/test/setup/property-runs.ts'],
  // A worker keeps the modules of every file that it has run; a heap of gigabytes makes each collection slow.
  workerIdleMemoryLimit: '700MB',
  // By default one core is kept free, which is half of a small machine.
  maxWorkers: '100%',
  // Only tells a hang from an end: tests don't time. On a busy machine a core or the disk can be away for seconds.
  testTimeout: 60_000,
  testRegex: '\\.spec\\.ts$',
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/sdk/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swc, swcrc: false, sourceMaps: 'inline' }] },
};
