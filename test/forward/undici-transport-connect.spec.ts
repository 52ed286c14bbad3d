import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ask, cleanup, okay, post, serve, transport } from './transport-probe.ts';
import { refusingPort } from '../support/dead-port.ts';
import { makeCertificate } from '../support/test-certificate.ts';
import { TestClock } from '../support/test-clock.ts';
import { turn } from '../support/turn.ts';

describe('what goes wrong before', () => {
  it('nobody listens', async () => {
    expect(await ask(transport(), post(`http://127.0.0.1:${await refusingPort()}`))).toMatchObject({
      outcome: 'UPSTREAM_CONNECT',
      context: { phase: 'connect', socketError: 'ECONNREFUSED' },
    });
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('the resolver says %s', async (code) => {
    const lookup = async () => {
      throw Object.assign(new Error('lookup'), { code });
    };
    expect(await ask(transport({ lookup }), post('http://nowhere.test'))).toMatchObject({ outcome: 'UPSTREAM_DNS' });
  });

  it.each([
    'http://127.0.0.1:PORT',
    'http://0x7f.1:PORT',
    'http://[::1]:PORT',
    'http://[::ffff:7f00:1]:PORT',
    'http://localhost:PORT',
    'http://evil.test:PORT',
  ])('%s is blocked for the public profile, and no connection is made', async (origin) => {
    const server = await serve(({ socket }) => socket.write(okay));
    const lookup = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const result = await ask(
      transport({ profile: 'public', lookup }),
      post(origin.replace('PORT', String(server.port))),
    );
    expect(result).toMatchObject({
      outcome: 'EGRESS_BLOCKED',
      message: 'The address of the model provider is not allowed.',
    });
    expect(server.connections).toHaveLength(0);
  });

  it.each(['file:///etc/passwd', 'gopher://x.test', 'http://user:secret@x.test', 'http://x.test/path', 'nonsense', ''])(
    '%p is no origin',
    async (origin) => {
      const result = await ask(transport(), post(origin));
      expect(result.outcome).toBe('EGRESS_BLOCKED');
      expect(JSON.stringify(result.context)).not.toContain('secret');
    },
  );

  it('a header that can not be sent', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const result = await ask(transport(), { ...post(server.origin), headers: { authorization: 'a\r\nx: y' } });
    expect(result.outcome).toBe('INTERNAL');
    expect(server.connections).toHaveLength(0);
  });

  it('a connect that takes too long, on the injected clock', async () => {
    const clock = new TestClock();
    const one = transport({ clock, lookup: () => new Promise(() => {}) });
    const result = ask(one, post('http://slow.test'));
    await turn(5);
    await clock.advance(5_000);
    expect(await result).toMatchObject({ outcome: 'UPSTREAM_CONNECT_TIMEOUT' });
    await turn(5);
    expect(one.openConnections).toBe(0);
  });

  it('a TLS handshake that stalls counts as connecting', async () => {
    const clock = new TestClock();
    const server = await serve(() => {});
    const one = transport({ clock });
    const result = ask(one, post(`https://127.0.0.1:${server.port}`));
    await new Promise((accepted) => server.server.once('connection', accepted));
    await clock.advance(5_000);
    expect(await result).toMatchObject({ outcome: 'UPSTREAM_CONNECT_TIMEOUT' });
    await server.allClosed();
  });

  it('a server that speaks no TLS', async () => {
    const server = await serve(
      () => {},
      (socket) => socket.write(okay),
    );
    expect(await ask(transport(), post(`https://127.0.0.1:${server.port}`))).toMatchObject({ outcome: 'UPSTREAM_TLS' });
  });

  it('a server that closes during the TLS handshake', async () => {
    const server = await serve(
      () => {},
      (socket) => socket.end(),
    );
    expect(await ask(transport(), post(`https://127.0.0.1:${server.port}`))).toMatchObject({
      outcome: 'UPSTREAM_CONNECT',
    });
  });
});

describe('TLS', () => {
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  const authority = makeCertificate({ hosts: [] });
  const { key, certificate } = makeCertificate({ hosts: ['model.test'], issuer: authority });

  /** Answers each request as `answer` says. `trusted` adds the certificate to those of the process. */
  async function serveTls(
    answer: (socket: Socket) => unknown,
  ): Promise<{ origin: (host: string) => string; connections: () => number }> {
    let connections = 0;
    const server = createTlsServer({ key, cert: certificate }, (socket) => {
      connections += 1;
      socket.on('error', () => {});
      socket.on('data', () => answer(socket));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanup.push(() => new Promise((done) => server.close(done)));
    const { port } = server.address() as AddressInfo;
    return { origin: (host) => `https://${host}:${port}`, connections: () => connections };
  }

  function trust(): void {
    const authorities = getCACertificates('default');
    cleanup.push(() => setDefaultCACertificates(authorities));
    setDefaultCACertificates([...authorities, authority.certificate]);
  }

  it('trusts no certificate by itself, and never another name', async () => {
    const server = await serveTls((socket) => socket.write(okay));
    const outcome = async (host: string): Promise<string> => {
      const one = transport({ lookup });
      const result = await ask(one, post(server.origin(host)));
      await one.close();
      return result.outcome;
    };
    expect(await outcome('model.test')).toBe('UPSTREAM_TLS');
    trust();
    expect(await outcome('model.test')).toBe('end');
    expect(await outcome('other.test')).toBe('UPSTREAM_TLS');
  });

  it('can not be told by the environment to trust everybody', async () => {
    const server = await serveTls((socket) => socket.write(okay));
    const script = `
      import { createUndiciTransport } from './src/forward/undici-transport.ts';
      import { systemClock } from './src/kernel/clock.ts';
      const transport = createUndiciTransport({ profile: 'private', connectTimeoutMilliseconds: 5_000, clock: systemClock });
      const request = { method: 'POST', origin: '${server.origin('127.0.0.1')}', path: '/', headers: {}, body: '' };
      const over = (outcome) => { console.log(outcome); void transport.close(); };
      transport.send(request, { onHead() {}, onData() {}, onEnd: () => over('trusted'), onError: (error) => over(error.code) });
    `;
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const options = { env, cwd: fileURLToPath(new URL('../..', import.meta.url)) };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], options);
    expect(stdout.trim()).toBe('UPSTREAM_TLS');
  });

  it('repeats a request on a reused connection that is lost, as without TLS', async () => {
    trust();
    let requests = 0;
    const server = await serveTls((socket) => ((requests += 1) === 2 ? socket.destroy() : socket.write(okay)));
    const one = transport({ lookup });
    for (let round = 0; round < 2; round += 1)
      expect((await ask(one, post(server.origin('model.test')))).outcome).toBe('end');
    expect([requests, server.connections()]).toEqual([3, 2]);
  });

  it('tells a body that is cut off', async () => {
    trust();
    const server = await serveTls((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234'));
    expect(await ask(transport({ lookup }), post(server.origin('model.test')))).toMatchObject({
      outcome: 'UPSTREAM_TRUNCATED',
      text: '1234',
    });
  });
});
