import { beforeAll, expect, it } from '@jest/globals';
import fastify from 'fastify';
import { AdminErrorFilter } from '../../src/admin/admin-error.filter.ts';
import { Dialects } from '../../src/http/dialects.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { LogCapture } from '../support/log-capture.ts';
import { productRegistry } from '../support/sluice.ts';
import { testRun } from '../support/test-run.ts';

let dialects: Dialects;
beforeAll(async () => {
  dialects = new Dialects(await productRegistry(), testRun().capabilities);
});

it.each<readonly [string, unknown, number, string, string]>([
  ['an error of ours', new SluiceError('DRAINING'), 503, 'DRAINING', 'info'],
  ['what the framework refuses', { statusCode: 404 }, 404, 'ROUTE_UNKNOWN', 'info'],
  ['what the framework refuses in its other form', { status: 400 }, 404, 'ROUTE_UNKNOWN', 'info'],
  ['what the framework fails at', { statusCode: 500 }, 500, 'INTERNAL', 'error'],
  ['what nobody thought of', new Error('canary'), 500, 'INTERNAL', 'error'],
])('%s is answered and logged', async (_what, thrown, status, code, level) => {
  const log = new LogCapture();
  const filter = new AdminErrorFilter(dialects, log);
  const server = fastify();
  server.get('/', (request, reply) => filter.answer(thrown, request, reply));
  const answer = await server.inject('/');
  expect([answer.statusCode, answer.json()]).toMatchObject([status, { code }]);
  expect(answer.body).not.toContain('canary');
  expect(log.lines).toMatchObject([{ level, message: 'admin request refused', fields: { code, status } }]);
  await server.close();
});
