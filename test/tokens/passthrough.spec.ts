import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isPromise } from '../../src/kernel/supervise.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { passthroughTokenProvider } from '../../src/tokens/passthrough.ts';
import { leaksOf } from '../support/canary.ts';
import { buildConfig, createInstance } from '../support/component-instance.ts';
import { presenting } from '../support/presenting.ts';
import { testRun } from '../support/test-run.ts';
import { failureOfToken, headersOf } from '../support/token-outcomes.ts';

const build = (config: Record<string, unknown> = {}): TokenProvider =>
  createInstance(passthroughTokenProvider, config, testRun().capabilities);

const sent = async (config: Record<string, unknown>, headers: Record<string, string>): Promise<unknown> =>
  headersOf(await build(config).getToken(presenting(headers)));

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const anthropic = { header: 'x-api-key', scheme: '' };

describe("the caller's own key", () => {
  it.each([
    [{}, { authorization: 'Bearer sk-1' }, { authorization: 'Bearer sk-1' }],
    [{}, { authorization: 'bearer   sk-1 ' }, { authorization: 'Bearer sk-1' }],
    [{}, { authorization: 'sk-1' }, { authorization: 'Bearer sk-1' }],
    [{}, { 'x-api-key': 'sk-1' }, { authorization: 'Bearer sk-1' }],
    [{}, { 'x-goog-api-key': 'AIza1' }, { authorization: 'Bearer AIza1' }],
    [anthropic, { authorization: 'Bearer sk-1' }, { 'x-api-key': 'sk-1' }],
    [anthropic, { 'x-api-key': 'Bearer sk-1' }, { 'x-api-key': 'sk-1' }],
    [
      { scheme: 'Basic' },
      { authorization: `Basic ${base64('me:p w')}` },
      { authorization: `Basic ${base64('me:p w')}` },
    ],
    [{ scheme: 'Basic' }, { authorization: 'Bearer me:pw' }, { authorization: `Basic ${base64('me:pw')}` }],
    [{ from: ['x-my-key'] }, { authorization: 'Bearer gateway', 'x-my-key': 'mine' }, { authorization: 'Bearer mine' }],
    [{ from: ['x-api-key', 'authorization'] }, { authorization: 'a', 'x-api-key': 'b' }, { authorization: 'Bearer b' }],
    [{ from: ['x-api-key', 'authorization'] }, { authorization: 'a', 'x-api-key': ' ' }, { authorization: 'Bearer a' }],
  ])('with %j, from %j, leaves as %j', async (config, presented, headers) => {
    expect(await sent(config, presented)).toEqual(headers);
  });

  it('comes at once, and is for nobody else', () => {
    const provider = build();
    const credential = provider.getToken(presenting({ authorization: 'Bearer sk-1' }));
    expect(isPromise(credential)).toBe(false);
    expect(provider.spares).toBe(0);
    expect(provider.getToken(presenting({ authorization: 'Bearer sk-2' }))).not.toBe(credential);
  });

  it('is looked for among the keys that begin as they should', async () => {
    const headers = { authorization: 'Bearer gateway-key', 'x-api-key': 'sk-ant-1' };
    expect(await sent({ prefixes: ['sk-ant-', 'sk-'] }, headers)).toEqual({ authorization: 'Bearer sk-ant-1' });
  });
});

describe('a caller is told to send its key', () => {
  it.each([
    ['nothing', {}, {}],
    ['an empty header', {}, { authorization: '' }],
    ['the scheme alone', {}, { authorization: 'Bearer' }],
    ['what a proxy asks for', {}, { authorization: `Basic ${base64('me:pw')}` }],
    ['the scheme and blanks', {}, { authorization: 'Basic   ' }],
    ['a signature', {}, { authorization: 'AWS4-HMAC-SHA256 Credential=a, Signature=b' }],
    ['two words', {}, { 'x-api-key': 'sk 1' }],
    ['a key in another header', { from: ['api-key'] }, { authorization: 'Bearer sk-1' }],
    ['a key of somebody else', { prefixes: ['sk-'] }, { authorization: 'Bearer AIza1' }],
    ['a key that has the prefix further in', { prefixes: ['sk-'] }, { authorization: 'Bearer risk-1' }],
    ['a key whose prefix is in another case', { prefixes: ['sk-'] }, { authorization: 'Bearer SK-1' }],
    ['a line break', {}, { authorization: 'Bearer a\r\nx-evil:1' }],
    ['a zero byte', {}, { authorization: 'Bearer a\0' }],
    ['letters that no header takes', {}, { authorization: 'Bearer k\u2603y' }],
    ['Basic that is not base64', { scheme: 'Basic' }, { authorization: 'Basic !!!!' }],
    ['Basic with a line break in it', { scheme: 'Basic' }, { authorization: `Basic ${base64('a:b\r\nc')}` }],
    ['20,000 characters', {}, { authorization: `Bearer ${'x'.repeat(20_000)}` }],
  ])('when it sent %s', async (_what, config, headers: Record<string, string>) => {
    const { code } = await failureOfToken(build(config), presenting(headers));
    expect(code).toBe('CALLER_KEY_MISSING');
  });

  it.each([
    [{ prefixes: ['sk-'] }, 'Bearer '],
    [{}, 'Bearer \r\n'],
    [{}, 'Bearer \0'],
    [{}, 'Other '],
    [{}, 'Basic '],
  ])('and with %j, after %j, nothing of the key is shown', async (config, before) => {
    const canary = 'canary0of0a0caller0key';
    const { printed } = await failureOfToken(build(config), presenting({ authorization: `${before}${canary}` }));
    expect(leaksOf(canary, printed)).toEqual([]);
  });

  it.each([
    ['sent none', {}, undefined],
    ['has one of somebody else', { authorization: 'Bearer AIza1' }, 'the key begins with none of the prefixes'],
  ])('and the log tells whether it %s', async (_what, headers: Record<string, string>, reason) => {
    const failure = await failureOfToken(build({ prefixes: ['sk-'] }), presenting(headers));
    expect(failure.context['reason']).toBe(reason);
  });

  it('and in which headers', async () => {
    const { printed } = await failureOfToken(build({ from: ['x-api-key', 'api-key'] }), presenting({}));
    expect(printed).toContain('which is expected in x-api-key, api-key.');
  });
});

describe('the subject of a caller', () => {
  const provider = build();
  const subjectOf = (key: string): string => provider.subject?.(presenting({ authorization: `Bearer ${key}` })) ?? '';

  it.each([20, 64, 200, 4_000])('differs for keys that share their first %i characters', (length) => {
    const shared = 'e'.repeat(length);
    expect(subjectOf(`${shared}A`)).not.toBe(subjectOf(`${shared}B`));
    expect(subjectOf(`A${shared}`)).not.toBe(subjectOf(`B${shared}`));
  });

  it('is the same exactly where the key is, and never shows it', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(key, key, (one, other) => {
        expect(subjectOf(one) === subjectOf(other)).toBe(one === other);
        expect(subjectOf(one)).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });

  it('is one of its own where there is no key', () => {
    expect(provider.subject?.(presenting({}))).not.toBe(subjectOf(''.padEnd(3, 'x')));
  });

  it('does not depend on the header that carries the key', () => {
    expect(provider.subject?.(presenting({ 'x-api-key': 'sk-1' }))).toBe(subjectOf('sk-1'));
  });
});

describe('a definition', () => {
  it.each([
    'cookie',
    'host',
    'content-length',
    'transfer-encoding',
    'proxy-authorization',
    'sec-websocket-key',
    'user-agent',
    'X-API-Key',
    'x api key',
    '',
    `${'a-'.repeat(200)}key`,
  ])('can not take the key from %j', (header) => {
    expect(buildConfig(passthroughTokenProvider, { from: [header] }).mistakes).not.toEqual([]);
  });

  it.each([
    'authorization',
    'x-api-key',
    'api-key',
    'x-goog-api-key',
    'ocp-apim-subscription-key',
    'x-auth-token',
    'x-openai-api-key',
    'x-app-secret',
  ])('can take the key from %j', (header) => {
    expect(buildConfig(passthroughTokenProvider, { from: [header] }).mistakes).toEqual([]);
  });

  it.each([
    { from: [] },
    { from: ['api-key', 'api-key'] },
    { prefixes: [] },
    { prefixes: [''] },
    { prefixes: ['a b'] },
  ])('can not say %j', (config) => {
    expect(buildConfig(passthroughTokenProvider, config).mistakes).not.toEqual([]);
  });

  it('can not put the key where it would break the request', () => {
    expect(() => build({ header: 'Content-Length' })).toThrow("can't carry a token");
  });
});
