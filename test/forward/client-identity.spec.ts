import { describe, expect, it } from '@jest/globals';
import type { AddressInfo } from 'node:net';
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { describeCause, SluiceError } from '../../src/kernel/errors.ts';
import type { ClientIdentity, HttpAnswer } from '../../src/kernel/http-caller.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { makeCertificate } from '../support/test-certificate.ts';
import { within } from '../support/turn.ts';
import { cleanup, okay } from './transport-probe.ts';

const authority = makeCertificate({ hosts: [] });
const own = makeCertificate({ hosts: ['login.test'], issuer: authority });
const stranger = makeCertificate({ hosts: ['sluice'] });
const clientOf = (): ReturnType<typeof makeCertificate> => makeCertificate({ hosts: ['sluice'], issuer: authority });

interface Pair {
  certificate: string;
  key: string;
}

const secretsOf = (pair: Pair): ClientIdentity => ({
  certificate: new Secret('CERT', () => pair.certificate),
  key: new Secret('KEY', () => pair.key),
});

interface Server {
  readonly url: string;
  /** Who came, one line per connection. */
  readonly seen: string[];
  readonly sockets: Set<TLSSocket>;
}

/** Wants a certificate of the authority, and answers each request with the name of who shows it. */
async function serve({ isOptional = false } = {}): Promise<Server> {
  const seen: string[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    {
      key: own.key,
      cert: own.certificate,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: !isOptional,
    },
    (socket) => {
      const name = String(Object(socket.getPeerCertificate()).subject?.CN ?? 'nobody');
      seen.push(`${name}${socket.isSessionReused() ? ' again' : ''}`);
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', () => socket.write(okay));
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return { url: `https://login.test:${(server.address() as AddressInfo).port}/token`, seen, sockets };
}

type Ask = (url: string, identity?: ClientIdentity) => Promise<HttpAnswer>;

function client(): { readonly calls: HttpCalls; readonly ask: Ask } {
  const authorities = getCACertificates('default');
  setDefaultCACertificates([...authorities, authority.certificate]);
  cleanup.push(() => setDefaultCACertificates(authorities));
  const calls = new HttpCalls(systemClock, async () => [{ address: '127.0.0.1', family: 4 }]);
  cleanup.push(() => calls.close());
  const usual = {
    method: 'POST',
    headers: {},
    network: 'private',
    timeoutMilliseconds: 5_000,
    maxBytes: 1_000,
  } as const;
  const { signal } = new AbortController();
  const ask: Ask = (url, identity) =>
    within(calls.call({ ...usual, url, ...(identity && { identity }) }, { signal }), 'the answer');
  return { calls, ask };
}

async function refusal(answer: Promise<HttpAnswer>): Promise<SluiceError> {
  const error: unknown = await answer.catch((reason: unknown) => reason);
  if (error instanceof SluiceError) return error;
  throw new Error(`no refusal: ${inspect(error)}`);
}

describe('a client certificate', () => {
  it('is shown, on connections that nobody else uses', async () => {
    const server = await serve({ isOptional: true });
    const { ask } = client();
    const [one, other] = [clientOf(), clientOf()];
    const [first, second] = [secretsOf(one), secretsOf(other)];
    for (const identity of [first, first, second, undefined, first, undefined, second])
      expect((await ask(server.url, identity)).body).toBe('ok');
    expect(server.seen).toEqual([one.subject, other.subject, 'nobody']);
    // The same certificate of another definition is another identity.
    await ask(server.url, secretsOf(one));
    expect(server.seen).toHaveLength(4);
  });

  it('is taken from its files at each handshake, and no session of the one before is resumed', async () => {
    const server = await serve();
    const { ask } = client();
    const [before, after] = [clientOf(), clientOf()];
    const pair: Pair = { certificate: before.certificate, key: before.key };
    const identity = secretsOf(pair);
    await ask(server.url, identity);
    pair.certificate = after.certificate;
    pair.key = after.key;
    // The connection is still that of before.
    await ask(server.url, identity);
    expect(server.seen).toEqual([before.subject]);
    for (const socket of server.sockets) socket.destroy();
    await ask(server.url, identity);
    expect(server.seen).toEqual([before.subject, after.subject]);
  });

  it('is read anew where its two files are no pair, as in the middle of a rotation', async () => {
    const server = await serve();
    const { ask } = client();
    const [before, after] = [clientOf(), clientOf()];
    const certificate = new Secret('CERT', (anew) => (anew ? after : before).certificate);
    await ask(server.url, { certificate, key: new Secret('KEY', () => after.key) });
    expect(server.seen).toEqual([after.subject]);
  });

  it('may come from the environment, where its line ends are two letters', async () => {
    const server = await serve();
    const { subject, ...pair } = clientOf();
    const flat = (pem: string): string => pem.replaceAll('\n', '\\n');
    const { ask } = client();
    await ask(server.url, secretsOf({ certificate: flat(pair.certificate), key: flat(pair.key) }));
    expect(server.seen).toEqual([subject]);
  });

  it('that the server does not know ends in no answer', async () => {
    const server = await serve();
    const { ask } = client();
    expect((await refusal(ask(server.url, secretsOf(stranger)))).code).toMatch(/^UPSTREAM_(TLS|RESET|CONNECT)$/);
    expect((await refusal(ask(server.url))).code).toMatch(/^UPSTREAM_(TLS|RESET|CONNECT)$/);
    expect(server.seen).toEqual([]);
  });

  it('makes no other server trusted', async () => {
    const server = await serve({ isOptional: true });
    const { ask } = client();
    const url = server.url.replace('login.test', 'other.test');
    expect((await refusal(ask(url, secretsOf(clientOf())))).code).toBe('UPSTREAM_TLS');
    expect(server.seen.length).toBeLessThan(2);
  });
});

describe('an identity that is none', () => {
  const pair = clientOf();
  const broken = pair.key.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAA****AAAA????AAAA');
  it.each<readonly [string, Pair]>([
    ['a key that is cut', { ...pair, key: pair.key.slice(0, 80) }],
    ['a key with wrong letters', { ...pair, key: broken }],
    ['a key of another', { ...pair, key: clientOf().key }],
    ['no key', { ...pair, key: '' }],
    ['no certificate', { ...pair, certificate: ' \n' }],
    ['a certificate that is none', { ...pair, certificate: 'certificate' }],
    ['both the wrong way round', { certificate: pair.key, key: pair.certificate }],
  ])('is named, and not shown: %s', async (_what, { certificate, key }) => {
    const server = await serve({ isOptional: true });
    const { ask } = client();
    const error = await refusal(ask(server.url, secretsOf({ certificate, key })));
    expect(error).toMatchObject({
      code: 'UPSTREAM_TLS',
      context: { host: 'login.test', certificate: 'CERT', key: 'KEY', reason: expect.stringContaining('no pair') },
    });
    const [, secretLine = ''] = pair.key.split('\n');
    for (const shown of [inspect(error, { depth: 9 }), describeCause(error), JSON.stringify(error)])
      expect(shown).not.toContain(secretLine.slice(24, 48));
    expect(server.seen).toEqual([]);
  });

  it('is not sent without TLS', async () => {
    const error = await refusal(client().ask('http://login.test:9/', secretsOf(pair)));
    expect(error.code).toBe('UPSTREAM_TLS');
    expect(error.context['reason']).toBe('a client certificate is shown over https only');
  });
});

it('identities may come one after another, each on a connection of its own', async () => {
  const server = await serve();
  const { ask, calls } = client();
  const pair = clientOf();
  for (let count = 0; count < 20; count += 1) {
    await ask(server.url, secretsOf(pair));
    for (const socket of server.sockets) socket.destroy();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(server.seen).toHaveLength(20);
  await calls.close();
});
