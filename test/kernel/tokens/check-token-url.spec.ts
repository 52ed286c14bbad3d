import { describe, expect, it } from '@jest/globals';
import { checkTokenUrl } from '../../../src/kernel/tokens/token-endpoint.ts';

describe('the address of a token server', () => {
  it.each([
    ['https://login.example.com/token', 'public'],
    ['https://login.example.com/token?tenant=1', 'private'],
    ['http://login.internal/token', 'private'],
    ['http://169.254.169.254/token', 'metadata'],
  ] as const)('may be %s (%s)', (url, network) => {
    expect(() => checkTokenUrl(url, network)).not.toThrow();
  });

  it.each([
    ['http://login.example.com/token', 'public', /http: is for "network": "private"/],
    ['ftp://login.example.com/token', 'private', /must begin with https/],
    ['file:///etc/passwd', 'private', /must begin with https/],
    ['https://', 'public', /no address/],
    ['token', 'private', /no address/],
    ['https://user:word@login.example.com/', 'public', /must not hold a user/],
    ['https://login.example.com/#part', 'public', /fragment/],
  ] as const)('is refused where it is %s (%s)', (url, network, message) => {
    expect(() => checkTokenUrl(url, network)).toThrow(TypeError);
    expect(() => checkTokenUrl(url, network)).toThrow(message);
  });
});
