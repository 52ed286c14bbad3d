import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import { currentRun } from '../../src/kernel/run.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { createLog, type LogOptions } from '../../src/observability/log.ts';
import { NestLog } from '../../src/observability/nest-log.ts';
import { TestClock } from '../support/test-clock.ts';

function setUp(level: LogOptions['level'] = 'debug') {
  const written: string[] = [];
  const log = createLog({ level, clock: new TestClock(), destination: { write: (line) => void written.push(line) } });
  return { log, written, lines: (): unknown[] => written.map((line) => JSON.parse(line) as unknown) };
}

const head = { level: 'info', time: '2026-01-01T00:00:00.000Z' };

describe('the log', () => {
  it('writes one JSON line, with the time of the clock', () => {
    const { log, written } = setUp();
    log.info('The pipeline is loaded', { pipeline: 'support', count: 3 });
    expect(written).toEqual([
      '{"level":"info","time":"2026-01-01T00:00:00.000Z","pipeline":"support","count":3,"message":"The pipeline is loaded"}\n',
    ]);
  });

  it.each<[LogOptions['level'], readonly string[]]>([
    ['trace', ['debug', 'info', 'warn', 'error']],
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ])('at level %s writes %j', (level, expected) => {
    const { log, lines } = setUp(level);
    for (const at of ['debug', 'info', 'warn', 'error'] as const) log[at]('x');
    expect(lines()).toEqual(expected.map((name) => expect.objectContaining({ level: name })));
  });

  it('tells an error with its causes, and the context of one of ours', () => {
    const { log, lines } = setUp();
    const cause = Object.assign(new Error('connect ECONNREFUSED\n10.0.0.1'), { code: 'ECONNREFUSED' });
    log.info('failed', { error: new SluiceError('UPSTREAM_CONNECT', { cause, context: { backend: 'gpt' } }) });
    expect(lines()).toEqual([
      {
        ...head,
        error:
          'UPSTREAM_CONNECT: The model provider could not be reached. <- ECONNREFUSED: connect ECONNREFUSED 10.0.0.1',
        context: { backend: 'gpt' },
        message: 'failed',
      },
    ]);
  });

  it('shows the name of a secret, wherever it is', () => {
    const { log, written, lines } = setUp();
    const secret = new Secret('OPENAI_API_KEY', () => 'sk-12345');
    log.info('x', { secret, list: [secret], deep: { in: { it: secret } } });
    expect(written.join('')).not.toContain('sk-12345');
    expect(lines()).toEqual([
      {
        ...head,
        secret: '[secret:OPENAI_API_KEY]',
        list: ['[secret:OPENAI_API_KEY]'],
        deep: { in: { it: '[secret:OPENAI_API_KEY]' } },
        message: 'x',
      },
    ]);
  });

  it('names the run that the call belongs to', () => {
    const { log, lines } = setUp();
    currentRun.run({ runId: 'run-7', fail: () => {} }, () => {
      log.info('x');
      log.info('y', { run: 'run-8' });
    });
    expect(lines()).toEqual([
      { ...head, run: 'run-7', message: 'x' },
      { ...head, run: 'run-8', message: 'y' },
    ]);
  });

  it('lets no field take the place of its own keys', () => {
    const { log, lines } = setUp();
    log.info('x', { level: 'fatal', time: 'never', message: 'y' });
    expect(lines()).toEqual([{ ...head, _level: 'fatal', _time: 'never', _message: 'y', message: 'x' }]);
  });

  it.each<[string, Record<string, unknown>]>([
    [
      'a circle',
      (() => {
        const circle: Record<string, unknown> = {};
        circle['self'] = circle;
        return { circle };
      })(),
    ],
    ['a bigint', { big: 10n }],
    [
      'a getter that throws',
      {
        get bad() {
          throw new Error('no');
        },
      },
    ],
    [
      'a toJSON that throws',
      {
        bad: {
          toJSON() {
            throw new Error('no');
          },
        },
      },
    ],
    ['a line break', { text: 'a\nb\u2028{"level":"fatal"}' }],
    ['much text', { text: 'x'.repeat(100_000) }],
    ['odd values', { nothing: undefined, none: null, not: Number.NaN, call: () => 1, mark: Symbol('s') }],
  ])('stays one line of JSON and never throws with %s', (_what, fields) => {
    const { log, written, lines } = setUp();
    log.info('x', fields);
    expect(written).toHaveLength(1);
    expect(written[0]?.indexOf('\n')).toBe((written[0]?.length ?? 0) - 1);
    expect(written[0]?.length).toBeLessThan(2_200);
    expect(lines()).toEqual([expect.objectContaining({ level: 'info', message: 'x' })]);
  });
});

describe('a log that is closed', () => {
  it('drops what comes later', async () => {
    const { log, written } = setUp();
    log.info('x');
    await log.close();
    await log.close();
    log.info('y');
    expect(written).toHaveLength(1);
  });

  it('never throws, whatever its destination does', () => {
    const broken = (): void => {
      throw new Error('no space left');
    };
    const log = createLog({ level: 'info', clock: new TestClock(), destination: { write: broken } });
    expect(() => log.error('x', { a: 1 })).not.toThrow();
  });
});

describe("the framework's log", () => {
  it('passes on what it warns of, and nothing else', () => {
    const { log, lines } = setUp();
    const nest = new NestLog(log);
    nest.log();
    nest.debug();
    nest.verbose();
    nest.warn('careful', 'Router');
    nest.error('boom', 'Error: boom\n    at start (file.ts:1:2)\n    at main (file.ts:3:4)', 'ExceptionsHandler');
    nest.error(new TypeError('bad'));
    nest.fatal({ some: 'thing' });
    expect(lines()).toEqual([
      { ...head, level: 'warn', framework: 'Router', message: 'careful' },
      {
        ...head,
        level: 'error',
        framework: 'ExceptionsHandler',
        stack: ['at start (file.ts:1:2)', 'at main (file.ts:3:4)'],
        message: 'boom',
      },
      {
        ...head,
        level: 'error',
        framework: 'nest',
        error: 'TypeError: bad',
        message: 'The framework reports an error',
      },
      { ...head, level: 'error', framework: 'nest', message: 'The framework reports something' },
    ]);
  });
});
