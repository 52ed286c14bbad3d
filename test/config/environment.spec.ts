import { describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  environmentDocs,
  readEnvironment,
  type Environment,
  type EnvironmentPlaces,
  type EnvironmentSource,
} from '../../src/config/environment.ts';
import { TestClock } from '../support/test-clock.ts';

const places: EnvironmentPlaces = { workingDirectory: '/srv/work', packageDirectory: '/srv/package' };

function read(source: EnvironmentSource = {}, from = places): Environment {
  const result = readEnvironment(source, from);
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result.environment;
}

function problemsOf(source: EnvironmentSource): readonly string[] {
  const result = readEnvironment(source, places);
  return 'problems' in result ? result.problems : [];
}

describe('the environment', () => {
  it('has a default for everything', () => {
    const { host, port, pipelinesDir, stateDir, logLevel, drainTimeout, preStop, secrets, workload, admin } = read();
    expect(admin).toBeUndefined();
    expect(workload).toEqual({ variables: {}, home: undefined });
    expect({ host, port, pipelinesDir, stateDir, logLevel, drainTimeout, preStop }).toEqual({
      host: '127.0.0.1',
      port: 8787,
      pipelinesDir: '/srv/work/pipelines',
      stateDir: '/srv/work/state',
      logLevel: 'info',
      drainTimeout: 120_000,
      preStop: 0,
    });
    expect(secrets).toEqual({
      variables: {},
      envAllow: ['*_API_KEY', '*_TOKEN', '*_SECRET', 'SLUICE_VAR_*'],
      secretsDir: '/run/secrets',
      pipelinesDir: '/srv/work/pipelines',
    });
  });

  it('takes what is set', () => {
    const environment = read({
      HOST: '::',
      PORT: '0',
      SLUICE_PIPELINES_DIR: 'defs',
      SLUICE_LOG_LEVEL: 'WARN',
      SLUICE_ENV_ALLOW: 'OPENAI_*, MY_KEY',
      SLUICE_SECRETS_DIR: '/secrets',
      SLUICE_STATE_DIR: 'kept',
      SLUICE_DRAIN_TIMEOUT: '5m',
      SLUICE_PRE_STOP: '250ms',
    });
    expect(environment).toMatchObject({
      host: '::',
      port: 0,
      pipelinesDir: '/srv/work/defs',
      stateDir: '/srv/work/kept',
      logLevel: 'warn',
      drainTimeout: 300_000,
      preStop: 250,
      secrets: { envAllow: ['OPENAI_*', 'MY_KEY'], secretsDir: '/secrets' },
    });
  });

  it('takes an empty value for none, but an empty list for a list of nothing', () => {
    const environment = read({ HOST: '', PORT: ' ', SLUICE_ENV_ALLOW: '', SOME_API_KEY: 'k' });
    expect([
      environment.host,
      environment.port,
      environment.secrets.envAllow,
      environment.lookup('SOME_API_KEY'),
    ]).toEqual(['127.0.0.1', 8787, [], undefined]);
  });

  it('keeps its state beside the definitions, wherever it is started', () => {
    expect(read({ SLUICE_PIPELINES_DIR: '/etc/sluice/pipelines' }).stateDir).toBe('/etc/sluice/state');
    expect(read({ SLUICE_PIPELINES_DIR: '/etc/sluice/pipelines', SLUICE_STATE_DIR: '/var/lib/s' }).stateDir).toBe(
      '/var/lib/s',
    );
    expect(read({ SLUICE_STATE_DIR: ' ' }).stateDir).toBe('/srv/work/state');
  });

  it('cannot be changed', () => {
    const environment = read({ A_TOKEN: 'a' });
    expect(() => Object.assign(environment, { port: 1 })).toThrow();
    expect(() => Object.assign(environment.secrets, { secretsDir: '/' })).toThrow();
    expect(() => Object.assign(environment.secrets.envAllow, ['*'])).toThrow();
    expect(() => Object.assign(environment.secrets.variables, { B_TOKEN: 'b' })).toThrow();
  });

  it('takes the pipelines beside package.json where the working directory has none', () => {
    const root = mkdtempSync(join(tmpdir(), 'sluice-environment-'));
    try {
      const from = { workingDirectory: join(root, 'work'), packageDirectory: join(root, 'package') };
      mkdirSync(join(root, 'package', 'pipelines'), { recursive: true });
      expect(read({}, from).pipelinesDir).toBe(join(root, 'package', 'pipelines'));
      expect(read({ SLUICE_PIPELINES_DIR: 'pipelines' }, from).pipelinesDir).toBe(join(root, 'work', 'pipelines'));
      mkdirSync(join(root, 'work', 'pipelines'), { recursive: true });
      expect(read({}, from).pipelinesDir).toBe(join(root, 'work', 'pipelines'));
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('mistakes', () => {
  it.each<[EnvironmentSource, string]>([
    [{ PORT: '65536' }, 'PORT must be a number from 0 to 65535; it is "65536"'],
    [{ PORT: '80a' }, 'PORT must be a number from 0 to 65535; it is "80a"'],
    [{ PORT: '-1' }, 'PORT must be a number from 0 to 65535; it is "-1"'],
    [{ HOST: 'http://x/' }, 'HOST must be an address or a host name, like "127.0.0.1" or "::"; it is "http://x/"'],
    [
      { SLUICE_LOG_LEVEL: 'debgu' },
      'SLUICE_LOG_LEVEL must be one of trace, debug, info, warn, error, silent; it is "debgu", did you mean "debug"?',
    ],
    [
      { SLUICE_DRAIN_TIMEOUT: '120' },
      'SLUICE_DRAIN_TIMEOUT must be a duration of at most 24h, like "250ms", "15s" or "5m"; it is "120"',
    ],
    [
      { SLUICE_PRE_STOP: '25h' },
      'SLUICE_PRE_STOP must be a duration of at most 24h, like "250ms", "15s" or "5m"; it is "25h"',
    ],
    [
      { SLUICE_ENV_ALLOW: 'A_B,c d' },
      'SLUICE_ENV_ALLOW must be names with * for any text, like "*_API_KEY"; one is "c d"',
    ],
    [
      { SLUICE_ENV_ALLOW: 'SLUICE_LOG_*' },
      "SLUICE_ENV_ALLOW can't admit SLUICE_LOG_*: of the SLUICE_ names only SLUICE_VAR_* are for definitions",
    ],
    [{ SLUICE_LOGLEVEL: 'info' }, 'SLUICE_LOGLEVEL is not known; did you mean SLUICE_LOG_LEVEL?'],
    [{ SLUICE_PORT: '8787' }, 'SLUICE_PORT is not known; did you mean PORT?'],
  ])('%j', (source, problem) => {
    expect(problemsOf(source)).toEqual([problem]);
  });

  it.each(['pipelines', 'pipelines/kept', '/run/secrets', '/run/secrets/../secrets/kept'])(
    'are to keep state where definitions may read: %s',
    (path) => {
      expect(problemsOf({ SLUICE_STATE_DIR: path })).toEqual([
        'SLUICE_STATE_DIR must lie outside of the folders from which definitions may read secrets',
      ]);
    },
  );

  it('are told all at once', () => {
    expect(problemsOf({ PORT: 'x', SLUICE_LOG_LEVEL: 'loud', SLUICE_XYZZY: '1', SLUICE_PRE_STOP: 'soon' })).toEqual([
      expect.stringMatching(/^SLUICE_XYZZY is not known; known: HOST, PORT/),
      expect.stringMatching(/^PORT/),
      expect.stringMatching(/^SLUICE_LOG_LEVEL/),
      expect.stringMatching(/^SLUICE_PRE_STOP/),
    ]);
  });

  it('are not what Kubernetes sets for a service of that name', () => {
    const links = {
      SLUICE_SERVICE_HOST: '10.0.0.1',
      SLUICE_SERVICE_PORT: '80',
      SLUICE_SERVICE_PORT_HTTP: '80',
      SLUICE_PORT: 'tcp://10.0.0.1:80',
      SLUICE_PORT_80_TCP: 'tcp://10.0.0.1:80',
      SLUICE_PORT_80_TCP_PROTO: 'tcp',
      SLUICE_PORT_80_TCP_PORT: '80',
      SLUICE_PORT_80_TCP_ADDR: '10.0.0.1',
      SLUICE_ADMIN_SERVICE_HOST: '10.0.0.2',
      SLUICE_ADMIN_PORT: 'tcp://10.0.0.2:80',
    };
    expect(problemsOf(links)).toEqual([]);
  });
});

describe('secrets', () => {
  const source = {
    OPENAI_API_KEY: 'sk-1',
    MY_TOKEN: 't',
    SLUICE_VAR_REGION: 'eu',
    SLUICE_LOG_LEVEL: 'info',
    PATH: '/bin',
    DATABASE_URL: 'postgres://',
  };

  it.each([
    ['OPENAI_API_KEY', 'sk-1'],
    ['MY_TOKEN', 't'],
    ['SLUICE_VAR_REGION', 'eu'],
    ['SLUICE_LOG_LEVEL', undefined],
    ['PATH', undefined],
    ['DATABASE_URL', undefined],
    ['OTHER_API_KEY', undefined],
    ['__proto__', undefined],
    ['toString', undefined],
  ])('%s is looked up as %j', (name, value) => {
    expect(read(source).lookup(name)).toBe(value);
    expect(read(source).secrets.variables[name]).toBe(value);
  });

  it('stay closed to a list that admits everything', () => {
    const environment = read({ ...source, SLUICE_ENV_ALLOW: '*' });
    expect([
      environment.lookup('PATH'),
      environment.lookup('SLUICE_LOG_LEVEL'),
      environment.lookup('SLUICE_ENV_ALLOW'),
    ]).toEqual(['/bin', undefined, undefined]);
  });

  it('do not show when somebody prints the environment', () => {
    const environment = read({ ...source, AWS_SECRET_ACCESS_KEY: 'sk-1' });
    expect(environment.workload.variables['AWS_SECRET_ACCESS_KEY']).toBe('sk-1');
    for (const shown of [
      JSON.stringify(environment),
      inspect(environment, { depth: 9 }),
      JSON.stringify({ ...environment.secrets.variables }),
    ]) {
      expect(shown).not.toContain('sk-1');
    }
  });
});

describe('the admin API', () => {
  const key = '0123456789abcdef01234567';
  const keyOf = (environment: Environment): string | undefined => environment.admin?.openKey(new TestClock())();

  it('is off unless it has a port, whatever else is set', () => {
    expect(read().admin).toBeUndefined();
    expect(read({ SLUICE_ADMIN_KEY: 'short', SLUICE_ADMIN_KEY_FILE: '/nowhere' }).admin).toBeUndefined();
    expect(read({ SLUICE_ADMIN_PORT: 'tcp://10.0.0.2:80' }).admin).toBeUndefined();
  });

  it('listens on the loopback interface with the key', () => {
    const environment = read({ SLUICE_ADMIN_PORT: '8788', SLUICE_ADMIN_KEY: key });
    expect(environment.admin).toMatchObject({ host: '127.0.0.1', port: 8_788 });
    expect(keyOf(environment)).toBe(key);
    expect(JSON.stringify(environment) + inspect(environment, { depth: 9, showHidden: true })).not.toContain(key);
    expect(read({ SLUICE_ADMIN_PORT: '1', SLUICE_ADMIN_HOST: '::1', SLUICE_ADMIN_KEY: key }).admin?.host).toBe('::1');
  });

  it.each<[EnvironmentSource, RegExp]>([
    [{}, /^SLUICE_ADMIN_PORT opens the admin API, which needs a key: set SLUICE_ADMIN_KEY to at least 24 characters/],
    [{ SLUICE_ADMIN_KEY: 'canary-0123456789abcdef' }, /^SLUICE_ADMIN_KEY must be 24 to 512 visible ASCII characters/],
    [{ SLUICE_ADMIN_KEY: 'canary 0123456789abcdef 0123' }, /^SLUICE_ADMIN_KEY must be/],
    [{ SLUICE_ADMIN_KEY: 'canary-0123456789-\u00e4-abcdef' }, /^SLUICE_ADMIN_KEY must be/],
    [{ SLUICE_ADMIN_KEY: key, SLUICE_ADMIN_KEY_FILE: '/key' }, /are both set; unset one of them$/],
    [{ SLUICE_ADMIN_KEY_FILE: '/nowhere/key' }, /^SLUICE_ADMIN_KEY_FILE: the file does not exist$/],
    [{ SLUICE_ADMIN_KEY: key, PORT: '8788' }, /^SLUICE_ADMIN_PORT must be another port than PORT$/],
    [{ SLUICE_ADMIN_KEY: key, SLUICE_ADMIN_PORT: '99999' }, /^SLUICE_ADMIN_PORT must be a number from 0 to 65535/],
    [{ SLUICE_ADMIN_KEY: key, SLUICE_ADMIN_HOST: 'a b' }, /^SLUICE_ADMIN_HOST must be an address/],
  ])('says what is wrong with %j, and not the key', (source, problem) => {
    const problems = problemsOf({ SLUICE_ADMIN_PORT: '8788', ...source });
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toContain('canary');
  });

  it('takes the key from a file, and sees another one', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sluice-admin-'));
    try {
      const file = join(root, 'key');
      writeFileSync(file, `${key}\n`);
      const { admin } = read({ SLUICE_ADMIN_PORT: '0', SLUICE_ADMIN_KEY_FILE: file });
      const clock = new TestClock();
      const current = admin?.openKey(clock) ?? (() => undefined);
      expect(current()).toBe(key);
      writeFileSync(file, 'f'.repeat(32));
      await clock.advance(1_000);
      expect(current()).toBe('f'.repeat(32));
      writeFileSync(file, 'too short');
      await clock.advance(1_000);
      expect(current()).toBeUndefined();
      const short = { SLUICE_ADMIN_PORT: '0', SLUICE_ADMIN_KEY_FILE: file };
      expect(problemsOf(short)).toEqual([
        expect.stringMatching(/^SLUICE_ADMIN_KEY_FILE: what the file holds must be 24 to 512/),
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('takes no file that a definition could read too, not by a link either', () => {
    const root = mkdtempSync(join(tmpdir(), 'sluice-admin-'));
    try {
      const secrets = join(root, 'secrets');
      mkdirSync(secrets);
      writeFileSync(join(secrets, 'key'), key);
      symlinkSync(join(secrets, 'key'), join(root, 'link'));
      symlinkSync(secrets, join(root, 'folder'));
      for (const path of ['secrets/key', 'link', 'folder/key']) {
        const source = { SLUICE_ADMIN_PORT: '0', SLUICE_SECRETS_DIR: secrets, SLUICE_ADMIN_KEY_FILE: join(root, path) };
        expect(problemsOf(source)).toEqual([
          'SLUICE_ADMIN_KEY_FILE must lie outside of the folders from which definitions may read secrets',
        ]);
      }
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('the documentation', () => {
  it('names each variable once', () => {
    const names = environmentDocs.map(({ name }) => name);
    expect(names).toEqual([
      'HOST',
      'PORT',
      'SLUICE_PIPELINES_DIR',
      'SLUICE_LOG_LEVEL',
      'SLUICE_ENV_ALLOW',
      'SLUICE_SECRETS_DIR',
      'SLUICE_STATE_DIR',
      'SLUICE_DRAIN_TIMEOUT',
      'SLUICE_PRE_STOP',
      'SLUICE_ADMIN_PORT',
      'SLUICE_ADMIN_HOST',
      'SLUICE_ADMIN_KEY',
      'SLUICE_ADMIN_KEY_FILE',
    ]);
    for (const { meaning } of environmentDocs) expect(meaning).toMatch(/^[A-Z].*\.$/);
  });

  it('is in the README, between its markers', () => {
    const readme = new URL('../../README.md', import.meta.url);
    const text = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
    const table = /<!-- environment -->([\s\S]*?)<!-- \/environment -->/.exec(text)?.[1];
    if (table === undefined) return console.warn('README.md has no <!-- environment --> table yet.');
    for (const { name, default: value } of environmentDocs) {
      expect(table).toContain(`\`${name}\``);
      expect(table).toContain(value);
    }
  });
});
