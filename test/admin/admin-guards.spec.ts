import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import fastify from 'fastify';
import { createServer, type AddressInfo } from 'node:net';
import { AdminGate } from '../../src/admin/admin-gate.ts';
import { AdminHosts } from '../../src/admin/admin-hosts.ts';
import { AdminKey } from '../../src/admin/admin-key.ts';
import { describeCause } from '../../src/kernel/errors.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';
import { adminKey, adminPort, askAdmin, sendToAdmin, startWithAdmin } from './admin-stage.ts';

const chatKey = 'sk-of-a-client-0123456789abcdef';
const lookPath = '/admin/token-providers';

let sluice: Sluice;
beforeAll(async () => {
  sluice = await startWithAdmin({ pipelines: { chat: { backends: { one: openAiBackend('http://127.0.0.1:9') } } } });
});
afterAll(() => sluice.close());

/** What each kind of caller gets at each route: a route that is added needs a line here. */
const callers = {
  'no key': '',
  'a wrong key': `${adminKey.slice(0, -1)}5`,
  'the key of a client': chatKey,
  'the key': adminKey,
};
const expected: Readonly<Record<string, readonly [number, number, number, number]>> = {
  '/admin/pipelines': [401, 401, 401, 200],
  '/admin/token-providers': [401, 401, 401, 200],
};

describe('every route', () => {
  it('is in the table', () => {
    expect(sluice.admin?.routes.toSorted()).toEqual(Object.keys(expected).toSorted());
  });

  it.each(Object.entries(expected))('%s answers by key', async (path, statuses) => {
    const answers = await Promise.all(Object.values(callers).map((key) => askAdmin(sluice, path, { key })));
    expect(answers.map(({ status }) => status)).toEqual(statuses);
    for (const { headers } of answers)
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(new Set(answers.map(({ headers }) => headers['x-request-id'])).size).toBe(answers.length);
    expect(answers.every(({ headers }) => headers['etag'] === undefined)).toBe(true);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])('takes no %s', async (method) => {
    const answer = await askAdmin(sluice, lookPath, { method, ...(method === 'POST' && { body: { name: 'x' } }) });
    expect([answer.status, answer.headers['allow'], answer.headers['connection']]).toEqual([405, 'GET', 'close']);
    expect((await askAdmin(sluice, lookPath, { method, key: '' })).status).toBe(401);
  });

  it('needs a scope, or nothing starts', () => {
    const server = fastify();
    new AdminGate(new AdminHosts('127.0.0.1'), new AdminKey(() => adminKey)).install(server);
    server.get('/admin/open', { config: { adminScope: 'read' } }, () => 'open');
    expect(() => server.get('/admin/forgotten', () => 'oops')).toThrow('GET /admin/forgotten has no scope');
    expect(() => server.get('/admin/odd', { config: { adminScope: 'everything' } }, () => 'oops')).toThrow(TypeError);
  });

  it('that nobody looked at for its scope is not there', async () => {
    const server = fastify();
    server.get('/admin/early', () => 'oops');
    new AdminGate(new AdminHosts('127.0.0.1'), new AdminKey(() => adminKey)).install(server);
    const origin = await server.listen({ host: '127.0.0.1', port: 0 });
    const answer = await fetch(`${origin}/admin/early`, { headers: { authorization: `Bearer ${adminKey}` } });
    expect(await answer.text()).toContain('ROUTE_UNKNOWN');
    await server.close();
  });
});

@Controller('admin')
class ForgetfulController {
  @Get('forgotten')
  forgotten(): string {
    return 'oops';
  }
}

@Module({ controllers: [ForgetfulController] })
class ForgetfulModule {}

describe('a controller with a route that declares no scope', () => {
  it('keeps the framework from starting', async () => {
    const adapter = new FastifyAdapter({ skipMiddie: true });
    new AdminGate(new AdminHosts('127.0.0.1'), new AdminKey(() => adminKey)).install(adapter.getInstance());
    const app = await NestFactory.create(ForgetfulModule, adapter, { logger: false, abortOnError: false });
    await expect(app.init()).rejects.toThrow('the admin route GET /admin/forgotten has no scope');
    await app.close();
  });
});

describe('an address that is taken', () => {
  it.each(['SLUICE_ADMIN_PORT', 'PORT'])(
    'of %s keeps the engine from starting, and leaves nothing open',
    async (name) => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      const { port } = taken.address() as AddressInfo;
      const clock = new TestClock();
      const environment = { SLUICE_ADMIN_PORT: '0', SLUICE_ADMIN_KEY: adminKey, [name]: String(port) };
      const failure = await startSluice({ environment, clock }).catch((error: unknown) => describeCause(error));
      expect(failure).toContain('EADDRINUSE');
      if (name === 'SLUICE_ADMIN_PORT') expect(failure).toContain(`the admin API could not start on 127.0.0.1:${port}`);
      expect(clock.pendingTimers()).toEqual([]);
      await new Promise((resolve) => taken.close(resolve));
    },
  );
});

describe('a wrong key', () => {
  const wrong: readonly (readonly [string, Record<string, string>])[] = [
    ['is missing', {}],
    ['is empty', { authorization: 'Bearer ' }],
    ['has another scheme', { authorization: `Basic ${adminKey}` }],
    ['has no scheme', { authorization: adminKey }],
    ['is a part of it', { authorization: `Bearer ${adminKey.slice(0, -1)}` }],
    ['is more than it', { authorization: `Bearer ${adminKey}0` }],
    ['is it in capitals', { authorization: `Bearer ${adminKey.toUpperCase()}` }],
    ['is it and a word', { authorization: `Bearer ${adminKey} x` }],
    ['is it in another header', { 'x-api-key': adminKey }],
    ['is very long', { authorization: `Bearer ${'a'.repeat(8_000)}` }],
  ];

  it.each(wrong)('that %s gets the one answer', async (_case, headers) => {
    const [one, other] = await Promise.all([
      askAdmin(sluice, lookPath, { key: '', headers }),
      askAdmin(sluice, '/admin/nothing', { key: '', headers: { authorization: 'Bearer x' } }),
    ]);
    expect([one.status, one.text]).toEqual([401, other.text]);
    expect(one.headers).toMatchObject({ 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' });
    expect(one.json()).toMatchObject({ code: 'ADMIN_KEY_INVALID', status: 401, retryable: false });
  });

  it('is not helped by a right one beside it', async () => {
    const port = adminPort(sluice);
    const lines = (...keys: readonly string[]): string[] => [
      `GET ${lookPath} HTTP/1.1`,
      `Host: localhost:${port}`,
      ...keys.map((key) => `Authorization: Bearer ${key}`),
    ];
    expect((await sendToAdmin(sluice, [...lines(adminKey), 'Connection: close'])).status).toBe(200);
    expect((await sendToAdmin(sluice, lines(adminKey, 'other'))).status).toBe(401);
    expect((await sendToAdmin(sluice, lines('other', adminKey))).status).toBe(401);
  });

  it('is never logged, nor is the right one', async () => {
    await askAdmin(sluice, lookPath, { key: 'a-guess-of-somebody-0123456' });
    await askAdmin(sluice, `${lookPath}?key=${adminKey}`);
    expect(sluice.log.text()).toContain('ADMIN_KEY_INVALID');
    expect(sluice.log.text()).not.toMatch(new RegExp(`a-guess-of-somebody|${adminKey}`));
  });
});

describe('a host', () => {
  it.each([
    ['127.0.0.1', 200],
    ['127.0.0.1:1', 200],
    ['LOCALHOST:8788', 200],
    ['[::1]:8788', 200],
    ['evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost.', 421],
    ['localhost@evil.example', 421],
    ['evil.example:127.0.0.1', 421],
    ['localhost, evil.example', 421],
    ['127.0.0.1:80:80', 421],
    ['127.0.0.1/admin', 421],
    ['x/health', 421],
    ['[::ffff:127.0.0.1]', 421],
    ['0.0.0.0', 421],
    ['127.1', 421],
    ['2130706433', 421],
    ['', 421],
  ])('%j is answered with %i', async (host, status) => {
    const answer = await askAdmin(sluice, lookPath, { headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 421) expect(answer.json()).toMatchObject({ code: 'ADMIN_HOST_REFUSED' });
  });

  it.each<[string, readonly string[]]>([
    ['none', []],
    ['two', ['Host: localhost', 'Host: evil.example']],
    ['the right one twice', ['Host: localhost', 'Host: localhost']],
  ])('is named once: %s', async (_case, hosts) => {
    const lines = [`GET ${lookPath} HTTP/1.1`, ...hosts, `Authorization: Bearer ${adminKey}`];
    expect((await sendToAdmin(sluice, lines)).status).toBe(421);
  });

  it.each([
    `GET http://evil.example${lookPath} HTTP/1.1`,
    `GET http://localhost${lookPath} HTTP/1.1`,
    'OPTIONS * HTTP/1.1',
  ])('in the place of the path is refused: %s', async (line) => {
    const answer = await sendToAdmin(sluice, [line, 'Host: localhost', `Authorization: Bearer ${adminKey}`]);
    expect(answer.status).toBe(421);
  });

  it('is decided before the key', async () => {
    expect((await askAdmin(sluice, lookPath, { key: '', headers: { host: 'evil.example' } })).status).toBe(421);
  });

  it.each([
    ['sluice.internal', 'Sluice.Internal:80', true],
    ['sluice.internal', 'other.internal', false],
    ['fd00::7', '[fd00::7]:80', true],
    ['::1', '[::1]', true],
    ['0.0.0.0', '0.0.0.0', false],
    ['::', '[::]', false],
    ['::', 'localhost', true],
  ])('configured as %s admits %s: %s', (configured, host, isAdmitted) => {
    expect(new AdminHosts(configured).admits([host])).toBe(isAdmitted);
  });
});

describe('a page in a browser', () => {
  it.each(['https://evil.example', 'null', 'http://127.0.0.1', ''])('is refused: Origin %j', async (origin) => {
    for (const key of [adminKey, '']) {
      const answer = await askAdmin(sluice, lookPath, { key, headers: { origin } });
      expect([answer.status, answer.json()]).toMatchObject([403, { code: 'ADMIN_ORIGIN_REFUSED' }]);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});

describe('a path', () => {
  const spellings = [
    '/',
    '/admin',
    '/admin/',
    `/${lookPath}`,
    `${lookPath}/`,
    '/ADMIN/token-providers',
    '/admin//token-providers',
    '/admin/..;/admin/token-providers',
    '/x/../admin/token-providers',
    '/%2e%2e/admin/token-providers',
    '/%61dmin/token-providers',
    '/admin%2ftoken-providers',
    '/admin/token-providers%00',
    '/admin/%zz',
    `${lookPath};a=b`,
    `/admin/${'a'.repeat(4_000)}`,
    '/admin/constructor',
    '/healthz',
    '/pipelines/chat/chat',
    '/metrics.json',
  ];

  it.each(spellings)('%s is nothing with a key, and 401 without', async (path) => {
    const [asked, guessed] = await Promise.all([askAdmin(sluice, path), askAdmin(sluice, path, { key: '' })]);
    expect([asked.status, asked.json()]).toMatchObject([404, { code: 'ROUTE_UNKNOWN' }]);
    expect([guessed.status, guessed.json()]).toMatchObject([401, { code: 'ADMIN_KEY_INVALID' }]);
    for (const { headers } of [asked, guessed]) expect(headers).toMatchObject({ 'cache-control': 'no-store' });
  });

  it('may have a query, which says nothing', async () => {
    expect((await askAdmin(sluice, `${lookPath}?x=/../%zz`)).status).toBe(200);
  });

  it.each(Object.keys(expected))('%s is not there on the port of the pipelines', async (path) => {
    const answer = await fetch(`${sluice.origin}${path}`, { headers: { authorization: `Bearer ${adminKey}` } });
    expect(answer.status).toBe(404);
  });
});

describe('bytes that are no request', () => {
  it('are answered in the shape of the product', async () => {
    const answer = await sendToAdmin(sluice, ['what is this']);
    expect([answer.status, answer.json()]).toMatchObject([400, { code: 'REQUEST_MALFORMED' }]);
  });
});

describe('without SLUICE_ADMIN_PORT', () => {
  it('there is no listener', async () => {
    const other = await startSluice({ environment: { SLUICE_ADMIN_KEY: adminKey } });
    expect(other.admin).toBeUndefined();
    await other.close();
  });
});
