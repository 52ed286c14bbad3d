import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClientReply } from '../../src/http/client-reply.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { Arrivals } from '../support/arrivals.ts';
import { openProbe, type ProbeClient } from '../support/probe-client.ts';
import { TestClock } from '../support/test-clock.ts';
import { eventually, turn } from '../support/turn.ts';

/** More than the system and Node keep for a client that does not read. */
const MUCH = 16 * 1_048_576;
const piece = 'x'.repeat(65_536);

interface Told {
  readonly reply: ClientReply;
  readonly response: ServerResponse;
  drains: number;
  gone: number;
}

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A server of which the test writes the answers, and a client that asks as often as is wanted. */
async function connected(
  questions: number,
): Promise<{ readonly client: ProbeClient; readonly replies: readonly Told[]; readonly clock: TestClock }> {
  const clock = new TestClock();
  const arrivals = new Arrivals<Told>();
  const server = createServer((request, response) => {
    const reply = new ClientReply(response, request.socket, clock, {
      encodeError: (error) => ({ contentType: 'application/json', body: { code: error.code } }),
    });
    const told: Told = { reply, response, drains: 0, gone: 0 };
    reply.listen({ onDrain: () => void (told.drains += 1), onGone: () => void (told.gone += 1) });
    arrivals.push(told);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = await openProbe({ port: (server.address() as AddressInfo).port });
  open.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => server.closeAllConnections(),
    () => client.destroy(),
  );
  const replies: Told[] = [];
  for (let count = 0; count < questions; count += 1) {
    await client.send({ path: `/${count}` });
    replies.push(await arrivals.next('a request'));
  }
  return { client, replies, clock };
}

/** Writes until there is more than the client is sent at once. */
function fill({ reply }: Told, atLeast = 0): number {
  let written = 0;
  for (let readsOn = true; readsOn || written < atLeast; written += piece.length) readsOn = reply.write(piece);
  return written;
}

describe('an answer that waits for its turn', () => {
  it('is told to go on when its own turn has come, not when the one before it is read', async () => {
    const {
      client,
      replies: [first, second],
    } = await connected(2);
    if (first === undefined || second === undefined) throw new Error('there are two answers');
    const held = fill(second);
    client.pause();
    fill(first, MUCH);
    client.resume();
    await eventually(() => first.drains > 0, 'the first answer to be read');
    expect([second.drains, second.reply.stalledSince]).toEqual([0, undefined]);
    first.reply.end('');
    await eventually(() => second.drains > 0, 'the second answer to be read');
    second.reply.end('the end');
    expect(await client.end(1)).toBe('complete');
    expect(client.responses[1]?.body.length).toBe(held + 'the end'.length);
    expect(client.responses[1]?.text.endsWith('the end')).toBe(true);
  });

  it('costs the same, however often it is written to', async () => {
    const {
      replies: [, second],
    } = await connected(2);
    if (second === undefined) throw new Error('there are two answers');
    const before = second.response.listenerCount('socket');
    for (let count = 0; count < 50; count += 1) second.reply.write(piece);
    expect(second.response.listenerCount('socket') - before).toBeLessThanOrEqual(1);
  });

  it('does not count as not read before its turn, and does so then', async () => {
    const {
      client,
      replies: [first, second],
      clock,
    } = await connected(2);
    if (first === undefined || second === undefined) throw new Error('there are two answers');
    fill(second, MUCH);
    await clock.advance(60_000);
    expect(second.reply.stalledSince).toBeUndefined();
    client.pause();
    first.reply.end('first');
    await turn(8);
    expect(second.reply.stalledSince).toBe(clock.now());
    client.resume();
    await eventually(() => second.reply.stalledSince === undefined, 'the second answer to be read');
    second.reply.end('');
    expect(await client.end(1)).toBe('complete');
  });

  const endings: Readonly<Record<string, (reply: ClientReply) => void>> = {
    'a stream': (reply) => reply.end('second'),
    'a document': (reply) => reply.endWithJson('{"second":true}'),
    'an error': (reply) => reply.fail(new SluiceError('INTERNAL'), ''),
    'an error in a stream': (reply) => {
      reply.write('second');
      reply.fail(new SluiceError('INTERNAL'), 'error frame');
    },
  };

  it.each(Object.entries(endings))('ends behind it, and is sent then: %s', async (_what, end) => {
    const {
      client,
      replies: [first, second],
    } = await connected(2);
    if (first === undefined || second === undefined) throw new Error('there are two answers');
    let sent = 0;
    end(second.reply);
    second.reply.whenSent(() => void (sent += 1));
    first.reply.write('begun');
    await client.until('begun');
    expect([sent, client.responses.length, second.reply.stalledSince]).toEqual([0, 1, undefined]);
    first.reply.end(' done');
    expect([await client.end(0), await client.end(1)]).toEqual(['complete', 'complete']);
    await eventually(() => sent === 1, 'the second answer to be sent');
    expect([client.responses[0]?.text, second.reply.stalledSince]).toEqual(['begun done', undefined]);
  });

  it('takes nothing with it when it is dropped', async () => {
    const {
      client,
      replies: [first, second],
    } = await connected(2);
    if (first === undefined || second === undefined) throw new Error('there are two answers');
    second.reply.write('second');
    second.reply.drop();
    first.reply.write('begun');
    await client.until('begun');
    first.reply.end(' done');
    expect(await client.end(0)).toBe('complete');
    expect(client.responses[0]?.text).toBe('begun done');
    expect(await client.close()).not.toBe('left');
  });
});

describe('a client that leaves', () => {
  it.each(['fin', 'reset', 'destroy'] as const)('is told to all of its answers, once: %s', async (how) => {
    const { client, replies } = await connected(2);
    replies[0]?.reply.write('begun');
    await client.until('begun');
    client[how]();
    await eventually(() => replies.every(({ gone }) => gone === 1), 'both answers to be told');
    await turn(8);
    expect(replies.map(({ gone }) => gone)).toEqual([1, 1]);
  });
});
