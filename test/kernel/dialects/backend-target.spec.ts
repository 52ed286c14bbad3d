import { describe, expect, it } from '@jest/globals';
import { jsonHeaders, readTarget } from '../../../src/kernel/dialects/backend-target.ts';

describe('where a backend sends its requests', () => {
  it.each([
    ['https://api.example/v1', 'https://api.example', '/v1', ''],
    ['https://api.example/v1//', 'https://api.example', '/v1', ''],
    ['https://api.example', 'https://api.example', '', ''],
    ['http://127.0.0.1:8080/a/b?x=1', 'http://127.0.0.1:8080', '/a/b', '?x=1'],
    ['http://[::1]:80/v1', 'http://[::1]', '/v1', ''],
  ])('%s', (baseUrl, origin, basePath, query) => {
    expect(readTarget(baseUrl)).toEqual({ origin, basePath, query, headers: {} });
  });

  it.each([
    ['ftp://api.example', 'no http or https address'],
    ['nonsense', 'no http or https address'],
    ['https://a:b@api.example', 'credential'],
    ['https://a@api.example', 'credential'],
    ['https://api.example/#x', 'fragment'],
  ])('%s is refused: %s', (baseUrl, reason) => {
    expect(() => readTarget(baseUrl)).toThrow(new RegExp(`baseUrl .*${reason}`));
  });
});

describe('headers', () => {
  it('are the configured ones in lower case, and those that are ours', () => {
    const target = readTarget('https://api.example', { 'X-Org': 'a b' });
    expect(jsonHeaders(target, 'text/event-stream')).toEqual({
      'x-org': 'a b',
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      'user-agent': 'sluice',
    });
  });

  it.each([
    ['Authorization', 'x'],
    ['x-goog-api-key', 'x'],
    ['Transfer-Encoding', 'chunked'],
    ['a b', 'x'],
    ['', 'x'],
    ['x-a', 'a\r\nb: c'],
    ['x-a', 'ü'],
  ])('%j: %j is refused', (name, value) => {
    expect(() => readTarget('https://api.example', { [name]: value })).toThrow(/^headers: /);
  });
});
