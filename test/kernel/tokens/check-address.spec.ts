import { describe, expect, it } from '@jest/globals';
import { checkAddress } from '../../../src/kernel/tokens/check-address.ts';

describe('the address of a token server', () => {
  it.each([
    ['https://login.example.com/token', 'public'],
    ['http://login.internal/token', 'private'],
    ['http://169.254.169.254/token', 'metadata'],
  ] as const)('may be %s (%s)', (url, network) => {
    expect(() => checkAddress('tokenUrl', url, network)).not.toThrow();
  });

  it.each([
    ['http://login.example.com/token', 'public', /http: is for "network": "private"/],
    ['ftp://login.example.com/token', 'private', /must begin with https/],
    ['file:///etc/passwd', 'private', /must begin with https/],
    ['https://', 'public', /no address/],
    ['token', 'private', /no address/],
    ['https://user:word@login.example.com/', 'public', /must not hold a user/],
    ['https://user@login.example.com/', 'public', /must not hold a user/],
    ['https://:word@login.example.com/', 'public', /must not hold a user/],
    ['https://login.example.com/#part', 'public', /fragment/],
    ['https://login.example.com/token?client_secret=canary', 'public', /must not have a query/],
    ['https://login.example.com/token?tenant=1', 'private', /must not have a query/],
    ['https://login.example.com/token?', 'public', /must not have a query/],
  ] as const)('is refused where it is %s (%s)', (url, network, message) => {
    expect(() => checkAddress('tokenUrl', url, network)).toThrow(TypeError);
    expect(() => checkAddress('tokenUrl', url, network)).toThrow(message);
  });

  it('may have a query where its owner has looked at that', () => {
    expect(() => checkAddress('url', 'https://a.example/token?tenant=1', 'public', { hasQuery: true })).not.toThrow();
  });

  it('is refused by the name of its field, and not shown', () => {
    expect(() => checkAddress('apiUrl', 'https://me:canary@a.example/tokenUrl', 'public')).toThrow(
      new TypeError('apiUrl: the address must not hold a user or a password'),
    );
  });
});
