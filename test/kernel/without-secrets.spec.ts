import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import { withoutSecrets } from '../../src/kernel/without-secrets.ts';
import { formsOf, leaksOf } from '../support/canary.ts';

const sent = ['Bearer Zk9QwXn3Tb7L'];

describe('an error without the credentials that were sent', () => {
  const cause = new Error('socket');
  const cases: readonly (readonly [name: string, words: string, clean: string])[] = [
    ['the whole header', 'bad header Bearer Zk9QwXn3Tb7L!', 'bad header [redacted]!'],
    ['the bare token', 'bad key Zk9QwXn3Tb7L, again Zk9QwXn3Tb7L', 'bad key [redacted], again [redacted]'],
    ['the token, cut off', 'bad key Zk9QwXn3Tb', 'bad key [redacted]'],
    ['nothing', 'Bearer of bad news', 'Bearer of bad news'],
  ];
  it.each(cases)('that repeated %s', (_name, words, clean) => {
    const options = {
      status: 422,
      details: { reason: words },
      context: { upstreamMessage: words, upstreamStatus: 422 },
      retryAfterSeconds: 3,
      cause,
    };
    const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', options), sent);
    expect(error).toMatchObject({
      code: 'UPSTREAM_REJECTED',
      status: 422,
      retryAfterSeconds: 3,
      context: { upstreamMessage: clean, upstreamStatus: 422 },
      cause,
    });
    expect(error.message).toBe(`The model provider rejected the request: ${clean}`);
  });

  it.each([
    ['in an address', 'no such path /?key=a%2Fb%2Bc%3D%3DZk9QwXn3', 'no such path /?key=[redacted]'],
    ['as a header in an address', 'Basic%20YTpaazlRd1huMw%3D%3D', '[redacted]'],
    ['without its padding', 'user YTpaazlRd1huMw', 'user [redacted]'],
  ])('that repeated them %s', (_name, words, clean) => {
    const encoded = ['Bearer a/b+c==Zk9QwXn3', 'Basic YTpaazlRd1huMw=='];
    const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', { details: { reason: words } }), encoded);
    expect(error.details['reason']).toBe(clean);
  });

  const odd = 'Zk9+Qw/Xn3="T b\\7&L';
  const asBase64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
  const asBase64Url = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');
  const spellings: readonly (readonly [name: string, words: string, clean: string])[] = [
    ['in base64', `key ${asBase64(odd)}.`, 'key [redacted].'],
    ['in base64 without its padding', `key ${asBase64(odd).replace(/=+$/, '')}.`, 'key [redacted].'],
    ['in base64 for addresses', `key ${asBase64Url(odd)}.`, 'key [redacted].'],
    ['in base64 within an address', `key ${encodeURIComponent(asBase64(odd))}.`, 'key [redacted].'],
    ['as a header in base64', `key ${asBase64(`Bearer ${odd}`)}.`, 'key [redacted].'],
    ['in base64, cut off', `key ${asBase64(odd).slice(0, 15)}`, 'key [redacted]'],
    ['in hex', `key ${Buffer.from(odd).toString('hex')}.`, 'key [redacted].'],
    ['in hex with capitals', `key ${Buffer.from(odd).toString('hex').toUpperCase()}.`, 'key [redacted].'],
    ['within a JSON string', `sent ${JSON.stringify(odd)}`, 'sent "[redacted]"'],
    [
      'within a JSON string with all escapes',
      'sent "Zk9\\u002bQw\\/Xn3\\u003D\\"T b\\\\7\\u0026L"',
      'sent "[redacted]"',
    ],
    ['within a page', 'sent Zk9&#43;Qw&#x2F;Xn3=&quot;T b\\7&amp;L', 'sent [redacted]'],
    ['in a form', `sent ${new URLSearchParams({ a: odd }).toString()}`, 'sent a=[redacted]'],
    ['in an address in small letters', 'sent Zk9%2bQw%2fXn3%3d%22T%20b%5c7%26L', 'sent [redacted]'],
    ['in an address, cut within an escape', 'sent Zk9%2BQw%2FXn3%', 'sent [redacted]'],
  ];
  it.each(spellings)('that repeated it %s', (_name, words, clean) => {
    const options = { details: { reason: words }, context: { upstreamMessage: words } };
    const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', options), [`Bearer ${odd}`]);
    expect([error.details['reason'], error.context['upstreamMessage']]).toEqual([clean, clean]);
  });

  it.each(['', 'u', 'us', 'use', '{"authorization":"Bearer '])(
    'that repeated it in base64 behind %j, in each position',
    (before) => {
      for (const encode of [asBase64, asBase64Url]) {
        for (const after of ['', '"', '"}', '","more":"things"}']) {
          const reason = `sent ${encode(before + odd + after)}!`;
          const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', { details: { reason } }), [odd]);
          const shown = String(error.details['reason']);
          expect(shown).toContain('[redacted]');
          // Up to two characters at either end belong to their neighbours in part.
          const left = Buffer.from(shown.replace('sent ', '').replace('[redacted]', ''), 'base64').toString('latin1');
          expect(left).not.toContain(odd.slice(3, -3));
        }
      }
    },
  );

  it('shows no eight characters of a secret that stood in it whole, in whatever form', () => {
    const secrets = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 12,
      maxLength: 60,
    });
    const forms = fc.constantFrom<(text: string) => string>(
      (text) => text,
      encodeURIComponent,
      (text) => JSON.stringify(text).slice(1, -1),
      asBase64,
      asBase64Url,
      (text) => encodeURIComponent(asBase64(text)),
      (text) => asBase64(`Bearer ${text}`),
      (text) => asBase64Url(`{"key":"${text.length}:${text}","more":1}`),
    );
    const around = fc.constantFrom('', ' ', 'sent: ', 'key=', '"', ': no such key');
    fc.assert(
      fc.property(secrets, forms, around, around, (secret, form, before, after) => {
        const reason = before + form(secret) + after;
        const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', { details: { reason } }), [
          `Bearer ${secret}`,
        ]);
        const shown = String(error.details['reason']);
        expect(shown).toContain('[redacted]');
        expect(leaksOf(secret, shown)).toEqual([]);
        for (const run of [secret, asBase64(secret).replace(/=+$/, ''), asBase64Url(secret)])
          for (let at = 0; at + 8 <= run.length; at += 1) expect(shown).not.toContain(run.slice(at, at + 8));
      }),
    );
  });

  it.each([...formsOf(odd)])('that repeated it as what is looked for in all logs: %s', (_name, form) => {
    const error = new SluiceError('UPSTREAM_REJECTED', { details: { reason: `sent ${form}` } });
    const shown = withoutSecrets(error, [`Bearer ${odd}`]).details['reason'];
    expect(shown).toBe('sent [redacted]');
  });

  it('keeps words in which no secret stands, whatever their escapes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'Z', '%', '\\', '&', '2', 'B', ';', '+', '/', '='), maxLength: 80 }),
        (reason) => {
          const error = new SluiceError('UPSTREAM_REJECTED', { details: { reason } });
          expect(withoutSecrets(error, ['Bearer 0123456789'])).toBe(error);
        },
      ),
    );
  });

  it('is had quickly of long words and many secrets', () => {
    const reason = '%2B&#43;+\\u002b'.repeat(40);
    const secret = '+'.repeat(16_384);
    const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', { details: { reason } }), [
      secret,
      `Bearer ${secret}`,
    ]);
    expect(error.details['reason']).toBe('[redacted]');
  });

  it('is the very error where there is nothing to hide', () => {
    const error = new SluiceError('UPSTREAM_RESET', { context: { phase: 'head' } });
    expect(withoutSecrets(error, sent)).toBe(error);
    expect(withoutSecrets(error, [])).toBe(error);
  });
});
