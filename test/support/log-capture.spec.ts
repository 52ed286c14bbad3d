import { describe, expect, it } from '@jest/globals';
import { LogCapture, MeterCapture, textWithin } from './log-capture.ts';

const secret = 'sk-canary-1';
const cyclic: Record<string, unknown> = { secret };
cyclic['self'] = cyclic;

describe('LogCapture', () => {
  it('keeps lines by level', () => {
    const log = new LogCapture();
    log.debug('a');
    log.info('b', { run: 'r1' });
    log.warn('c');
    log.error('d');
    expect(log.lines).toMatchObject([
      { level: 'debug' },
      { level: 'info', message: 'b', fields: { run: 'r1' } },
      { level: 'warn' },
      { level: 'error' },
    ]);
    expect(log.messages('warn')).toEqual(['c']);
    expect(log.text()).toContain('info b run r1');
  });

  it('keeps the text of a line as it was, whatever happens to its fields', () => {
    const log = new LogCapture();
    const fields = { state: 'before' };
    log.info('line', fields);
    fields.state = 'after';
    expect(log.text()).toContain('before');
  });

  it.each([
    ['a value', { a: secret }],
    ['a key', { [secret]: 1 }],
    ['depth', { a: [{ b: { c: [secret] } }] }],
    ['the cause of an error', { error: new Error('x', { cause: new Error(`y ${secret}`) }) }],
    ['an own field of an error', { error: Object.assign(new Error('x'), { headers: { authorization: secret } }) }],
    ['bytes', { body: Buffer.from(`{"key":"${secret}"}`) }],
    ['a map', { map: new Map([['k', secret]]) }],
    ['a set', { set: new Set([secret]) }],
    ['an address', { url: new URL(`https://x.example/?key=${secret}`) }],
    ['headers', { headers: new Headers({ authorization: `Bearer ${secret}` }) }],
    [
      'a getter',
      {
        get token() {
          return secret;
        },
      },
    ],
    [
      'a getter that throws',
      {
        get token() {
          throw new Error(secret);
        },
      },
    ],
    ['a hidden property', Object.defineProperty({}, 'hidden', { value: secret })],
    ['a circle', cyclic],
  ])('finds text in %s', (_name, fields) => {
    const log = new LogCapture();
    log.error('line', fields as Record<string, unknown>);
    expect(log.text()).toContain(secret);
  });

  it('does not use up an iterator', () => {
    const list = [1, 2].values();
    textWithin({ list });
    expect([...list]).toEqual([1, 2]);
  });
});

describe('MeterCapture', () => {
  it('adds up', () => {
    const meter = new MeterCapture();
    meter.count('streams_opened');
    meter.count('bytes_in', 10);
    meter.count('bytes_in', 5);
    meter.count('streams_live', -1);
    expect(meter.snapshot()).toEqual({ bytes_in: 15, streams_live: -1, streams_opened: 1 });
    expect(meter.value('never')).toBe(0);
  });
});
