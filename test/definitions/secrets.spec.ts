import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/schema.ts';
import type { SecretFile } from '../../src/definitions/secret-file.ts';
import {
  defaultEnvAllow,
  isSecretReference,
  isVariableAllowed,
  resolveSecret,
  type SecretEnvironment,
} from '../../src/definitions/secrets.ts';
import { TestClock } from '../support/test-clock.ts';

let root: string;
let clock: TestClock;
let environment: SecretEnvironment;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-secrets-')));
  clock = new TestClock();
  mkdirSync(join(root, 'secrets'));
  mkdirSync(join(root, 'pipelines'));
  environment = {
    variables: { A_TOKEN: 'from-env' },
    envAllow: defaultEnvAllow,
    secretsDir: join(root, 'secrets'),
    pipelinesDir: join(root, 'pipelines'),
    clock,
  };
});
afterEach(() => rmSync(root, { recursive: true }));

const inSecrets = (name: string): string => join(root, 'secrets', name);
const open = (path: string): Secret => {
  const secret = resolveSecret({ $file: path }, environment);
  if ('code' in secret) throw new Error(secret.message);
  return secret;
};
const problem = (path: string): string | undefined => {
  const secret = resolveSecret({ $file: path }, environment);
  return 'code' in secret ? secret.code : undefined;
};

describe('a variable', () => {
  it.each([
    ['OPENAI_API_KEY', defaultEnvAllow, true],
    ['A_TOKEN', defaultEnvAllow, true],
    ['PRIMARY_SECRET', defaultEnvAllow, true],
    ['SLUICE_VAR_REGION', defaultEnvAllow, true],
    ['SLUICE_ADMIN_TOKEN', defaultEnvAllow, false],
    ['SLUICE_ADMIN_TOKEN', ['*'], false],
    ['SLUICE_VAR_REGION', ['OTHER'], false],
    ['PATH', defaultEnvAllow, false],
    ['PATH', ['PATH'], true],
    ['API_KEY', ['*_API_KEY'], false],
    ['_API_KEY', ['*_API_KEY'], true],
    ['AXBYC', ['A*B*C'], true],
    ['AC', ['A*B*C'], false],
    ['ABA', ['AB*BA'], false],
    ['A_TOKEN', [], false],
    ['A_TOKEN', [''], false],
  ])('%s under %j is allowed: %j', (name, envAllow, allowed) => {
    expect(isVariableAllowed(name, envAllow)).toBe(allowed);
  });

  it('is read at each use and never shown', () => {
    const secret = resolveSecret({ $env: 'A_TOKEN' }, environment);
    expect(secret instanceof Secret && secret.reveal()).toBe('from-env');
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret:A_TOKEN]"}');
    expect(secret).toMatchObject({ reference: { $env: 'A_TOKEN' } });
  });

  it('matches a pattern of many stars in one pass', () => {
    expect(isVariableAllowed('A'.repeat(100), [`${'*A'.repeat(50)}*B`])).toBe(false);
  });
});

describe('a reference', () => {
  it.each([
    [{ $env: 'A' }, true],
    [{ $file: 'a' }, true],
    [{ $env: 'A', $file: 'a' }, false],
    [{ $env: 1 }, false],
    [{}, false],
    ['A', false],
    [null, false],
  ])('%j: %j', (value, is) => expect(isSecretReference(value)).toBe(is));
});

describe('a file', () => {
  it.each([
    ['key\n', 'key'],
    ['key\r\n', 'key'],
    ['key\n\n', 'key\n'],
    [' key ', ' key '],
  ])('%j holds %j', (text, value) => {
    writeFileSync(inSecrets('a'), text);
    expect(open(inSecrets('a')).reveal()).toBe(value);
  });

  it('may lie in the pipelines folder, where a relative path begins', () => {
    writeFileSync(join(root, 'pipelines', 'key'), 'x');
    expect(open('key').reveal()).toBe('x');
    expect(open('key').reference).toEqual({ $file: 'key' });
    expect(open('../secrets/../pipelines/key').reveal()).toBe('x');
  });

  it('is read again when it changed, after a second', async () => {
    writeFileSync(inSecrets('a'), 'old');
    const secret = open(inSecrets('a'));
    writeFileSync(inSecrets('b'), 'newer');
    renameSync(inSecrets('b'), inSecrets('a'));
    expect(secret.reveal()).toBe('old');
    await clock.advance(1_000);
    expect(secret.reveal()).toBe('newer');
  });

  it('is followed through the link that a mounted secret is', async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(inSecrets(version));
      writeFileSync(join(inSecrets(version), 'key'), version);
    }
    symlinkSync('v1', inSecrets('..data'));
    symlinkSync('..data/key', inSecrets('key'));
    const secret = open(inSecrets('key'));
    expect(secret.reveal()).toBe('v1');
    symlinkSync('v2', inSecrets('..data_tmp'));
    renameSync(inSecrets('..data_tmp'), inSecrets('..data'));
    await clock.advance(1_000);
    expect(secret.reveal()).toBe('v2');
  });

  it.each<[what: string, spoil: (path: string) => void]>([
    ['gone', (path) => rmSync(path)],
    ['empty', (path) => writeFileSync(path, '')],
    ['blank', (path) => writeFileSync(path, ' \n\t\n')],
    ['too large', (path) => writeFileSync(path, 'x'.repeat(65_537))],
    [
      'a link to elsewhere',
      (path) => {
        rmSync(path);
        symlinkSync('/etc/hostname', path);
      },
    ],
  ])('that is %s for a while keeps its last good text', async (_what, spoil) => {
    writeFileSync(inSecrets('a'), 'good');
    const secret = open(inSecrets('a'));
    spoil(inSecrets('a'));
    await clock.advance(5_000);
    expect(secret.reveal()).toBe('good');
    rmSync(inSecrets('a'), { force: true });
    writeFileSync(inSecrets('a'), 'again');
    await clock.advance(1_000);
    expect(secret.reveal()).toBe('again');
  });

  it.each<[what: string, make: (path: string) => void, code: string]>([
    ['is not there', () => undefined, 'secret.missing'],
    ['is empty', (path) => writeFileSync(path, '\n'), 'secret.missing'],
    ['is blank', (path) => writeFileSync(path, '  \n'), 'secret.missing'],
    ['is a folder', (path) => mkdirSync(path), 'secret.unreadable'],
    ['is a pipe', (path) => void execFileSync('mkfifo', [path]), 'secret.unreadable'],
    ['is a device behind a link', (path) => symlinkSync('/dev/zero', path), 'secret.pathNotAllowed'],
    ['is a link to a place outside', (path) => symlinkSync('/etc/passwd', path), 'secret.pathNotAllowed'],
    ['is a link to itself', (path) => symlinkSync(path, path), 'secret.unreadable'],
    ['is too large', (path) => writeFileSync(path, 'x'.repeat(65_537)), 'secret.unreadable'],
    ['is no UTF-8', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe])), 'secret.unreadable'],
  ])('that %s is refused', (_what, make, code) => {
    make(inSecrets('a'));
    expect(problem(inSecrets('a'))).toBe(code);
  });

  it.each(['/etc/passwd', '/etc/no-such-file', '../../etc/passwd', '/proc/self/environ', 'a\u0000b/../../x'])(
    '%j lies outside, whether it exists or not',
    (path) => {
      expect(problem(path)).toBe('secret.pathNotAllowed');
    },
  );

  it('tells whether it has news: it has come, or holds something else', () => {
    const files: SecretFile[] = [];
    resolveSecret({ $file: inSecrets('a') }, environment, (file) => files.push(file));
    resolveSecret({ $file: 'outside/../../secret' }, environment, (file) => files.push(file));
    const [file] = files;
    const news = (): unknown[] => [file?.hasNews(), file?.wasRead, file?.reveal()];
    expect([files.length, file?.shownPath, news()]).toEqual([1, inSecrets('a'), [false, false, '']]);
    writeFileSync(inSecrets('a'), '');
    expect(news()).toEqual([false, false, '']);
    writeFileSync(inSecrets('a'), 'good');
    expect(news()).toEqual([true, true, 'good']);
    expect(news()).toEqual([false, true, 'good']);
    writeFileSync(inSecrets('b'), 'good');
    renameSync(inSecrets('b'), inSecrets('a'));
    expect(news()).toEqual([false, true, 'good']);
    rmSync(inSecrets('a'));
    expect(news()).toEqual([false, true, 'good']);
    writeFileSync(inSecrets('a'), 'better');
    expect(news()).toEqual([true, true, 'better']);
  });

  it('may be as large as a key can be', () => {
    writeFileSync(inSecrets('a'), 'x'.repeat(65_536));
    expect(open(inSecrets('a')).reveal()).toHaveLength(65_536);
  });

  it('that may not be read is refused, and not shown', () => {
    writeFileSync(inSecrets('a'), 'canary');
    chmodSync(inSecrets('a'), 0o000);
    const secret = resolveSecret({ $file: inSecrets('a') }, environment);
    if (process.getuid?.() !== 0) expect(secret).toMatchObject({ code: 'secret.unreadable' });
    expect(JSON.stringify(secret)).not.toContain('canary');
  });
});
