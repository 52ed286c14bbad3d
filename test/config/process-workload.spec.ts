import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readEnvironment } from '../../src/config/environment.ts';
import { maxWorkloadFileBytes, processWorkload } from '../../src/config/process-workload.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { workloadVariables, type Workload } from '../../src/kernel/workload.ts';
import { TestClock } from '../support/test-clock.ts';

let home: string;
let clock: TestClock;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sluice-workload-'));
  clock = new TestClock();
});
afterEach(() => rmSync(home, { recursive: true }));

function workload(source: Readonly<Record<string, string>> = {}): Workload {
  const read = readEnvironment({ HOME: home, ...source });
  if ('problems' in read) throw new Error(read.problems.join());
  return processWorkload(read.environment.workload, clock);
}

function put(path: string, text: string | Buffer): string {
  const file = join(home, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
  return file;
}

function refusal(action: () => unknown): SluiceError {
  try {
    action();
  } catch (error) {
    if (error instanceof SluiceError) return error;
  }
  throw new Error('it was not refused');
}

describe('a variable', () => {
  it.each(workloadVariables)('%s is what the process was started with', (name) => {
    expect(workload({ [name]: 'a value' }).variable(name)).toBe('a value');
    expect(workload({ [name]: '' }).variable(name)).toBeUndefined();
    expect(workload().variable(name)).toBeUndefined();
  });

  it('is read once, and others never', () => {
    const source: Record<string, string> = { AWS_REGION: 'eu-west-1', OPENAI_API_KEY: 'canary', HOME: home };
    const one = workload(source);
    source['AWS_REGION'] = 'us-east-1';
    expect(one.variable('AWS_REGION')).toBe('eu-west-1');
    expect(one.variable('OPENAI_API_KEY' as 'AWS_REGION')).toBeUndefined();
    expect(one.variable('__proto__' as 'AWS_REGION')).toBeUndefined();
    expect(one.variable('constructor' as 'AWS_REGION')).toBeUndefined();
  });

  it('does not show', () => {
    expect(inspect(workload({ AWS_SECRET_ACCESS_KEY: 'canary' }), { depth: 9, showHidden: true })).not.toContain(
      'canary',
    );
  });
});

describe('a file', () => {
  it('is the one that its variable names, and is read again when it changes', async () => {
    const file = put('token', 'one\n');
    const one = workload({ AWS_WEB_IDENTITY_TOKEN_FILE: file });
    expect(one.file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBe('one');
    put('token', 'two!\n');
    expect(one.file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBe('one');
    await clock.advance(1_000);
    expect(one.file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBe('two!');
  });

  it('may be a link, as a mounted token is', async () => {
    put('v1/token', 'one');
    put('v2/token', 'two!');
    symlinkSync(join(home, 'v1'), join(home, 'data'));
    symlinkSync(join(home, 'data/token'), join(home, 'token'));
    const one = workload({ AZURE_FEDERATED_TOKEN_FILE: join(home, 'token') });
    expect(one.file('AZURE_FEDERATED_TOKEN_FILE')).toBe('one');
    symlinkSync(join(home, 'v2'), join(home, 'next'));
    renameSync(join(home, 'next'), join(home, 'data'));
    await clock.advance(1_000);
    expect(one.file('AZURE_FEDERATED_TOKEN_FILE')).toBe('two!');
  });

  it.each([
    ['AWS_SHARED_CREDENTIALS_FILE', '.aws/credentials'],
    ['GOOGLE_APPLICATION_CREDENTIALS', '.config/gcloud/application_default_credentials.json'],
  ] as const)('of %s lies at ~/%s where nobody says', async (name, path) => {
    const one = workload();
    expect(one.file(name)).toBeUndefined();
    put(path, '[default]\nkey = 1\n');
    expect(one.file(name)).toBe('[default]\nkey = 1');
    const folder = process.cwd();
    // Without a home it is not looked for in the folder of the process either.
    process.chdir(home);
    expect(workload({ HOME: '' }).file(name)).toBeUndefined();
    process.chdir(folder);
    expect(workload({ [name]: put('other', 'mine') }).file(name)).toBe('mine');
    rmSync(join(home, path));
    await clock.advance(1_000);
    expect(one.file(name)).toBeUndefined();
  });

  it('is none where neither is there', () => {
    expect(workload().file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBeUndefined();
    expect(workload({ AWS_WEB_IDENTITY_TOKEN_FILE: '' }).file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBeUndefined();
  });

  it.each<readonly [string, (path: string) => unknown, string]>([
    ['is not there', () => undefined, 'does not exist'],
    ['is empty', (path) => writeFileSync(path, '\n'), 'is empty'],
    ['is a folder', (path) => mkdirSync(path), 'is not a regular file'],
    ['is too large', (path) => writeFileSync(path, 'canary'.repeat(maxWorkloadFileBytes)), 'is no regular file of'],
    ['is no text', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe])), 'is no regular file of'],
  ])('that is named and %s is no identity', (_what, make, problem) => {
    const path = join(home, 'token');
    make(path);
    const error = refusal(() => workload({ AZURE_FEDERATED_TOKEN_FILE: path }).file('AZURE_FEDERATED_TOKEN_FILE'));
    expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { variable: 'AZURE_FEDERATED_TOKEN_FILE' } });
    expect(error.context['problem']).toContain(problem);
    expect(inspect(error, { depth: 9 })).not.toContain('canary');
  });

  it('keeps its last good text while it is replaced', async () => {
    const file = put('token', 'one');
    const one = workload({ AWS_WEB_IDENTITY_TOKEN_FILE: file });
    expect(one.file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBe('one');
    rmSync(file);
    await clock.advance(1_000);
    expect(one.file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBe('one');
    put('token', 'two!');
    await clock.advance(1_000);
    expect(one.file('AWS_WEB_IDENTITY_TOKEN_FILE')).toBe('two!');
  });

  it('in a home that is closed to the process is none', () => {
    put('.aws/credentials', 'x');
    chmodSync(join(home, '.aws'), 0o000);
    const isRoot = process.getuid?.() === 0;
    expect(workload().file('AWS_SHARED_CREDENTIALS_FILE')).toBe(isRoot ? 'x' : undefined);
    chmodSync(join(home, '.aws'), 0o700);
  });
});
