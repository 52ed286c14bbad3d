import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { roleFrame, textFrame } from '../support/openai-stream.ts';
import { probe, type ProbeClient, type ProbeRequest } from '../support/probe-client.ts';
import { streaming } from '../support/scenario.ts';
import { openAiBackend } from '../support/sluice.ts';
import { eventually } from '../support/turn.ts';
import { buildEngine, startEngine, type BuiltEngine, type EngineProcess, type MemoryReport } from './engine-process.ts';
import { deep, print } from './print.ts';

const wanted = deep ? 5_000 : 2_000;
/** Bytes of resident memory that an idle stream may cost. */
const ALLOWED = 64 * 1_024;
/** Each stream is a client and a provider to this process; both processes have some files open beside. */
const FILES_PER_STREAM = 2;
const OTHER_FILES = 200;
/** Fewer than fit into the queue of a listening socket. */
const OPENED_AT_ONCE = 100;
const HEARTBEATS = 2;
/** Bytes that may stay: lists that have grown, code that was compiled. */
const KEPT = 4 * 1_048_576;
/** Buffers are given back in their own time, so the memory is looked at more than once. */
const LOOKS = 50;
const PATIENCE_MILLISECONDS = 60_000;

/** Open files that the system grants to a process; unknown counts as enough. */
function openFileLimit(): number {
  try {
    const [, soft = ''] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(soft) || Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

const streams = Math.min(wanted, Math.floor((openFileLimit() - OTHER_FILES) / FILES_PER_STREAM));
const chat: ProbeRequest = {
  path: '/pipelines/idle/v1/chat/completions',
  body: { stream: true, messages: [{ role: 'user', content: 'hi' }] },
};
const kilobytes = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KB`;
const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MB`;

describe(`${streams} idle streams`, () => {
  let built: BuiltEngine;
  let engine: EngineProcess;
  let upstream: FaultUpstream;
  const clients: ProbeClient[] = [];
  beforeAll(async () => {
    built = await buildEngine();
    upstream = await startFaultUpstream(streaming([roleFrame(), textFrame('begun')], ['stall']));
    const modifiers = [{ type: 'mask-words', config: { words: ['secret'] } }];
    engine = await startEngine(built, {
      pipelines: {
        idle: { backends: { one: openAiBackend(upstream.origin) }, modifiers, output: { heartbeat: '1s' } },
      },
      environment: { SLUICE_LOG_LEVEL: 'warn' },
    });
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await engine.kill();
    await upstream.close();
    await built.remove();
  });

  async function openStreams(count: number): Promise<void> {
    for (let left = count; left > 0; left -= OPENED_AT_ONCE) {
      const group = await Promise.all(
        Array.from({ length: Math.min(left, OPENED_AT_ONCE) }, () => probe({ port: engine.port }, chat)),
      );
      await Promise.all(group.map((client) => client.until('begun')));
      clients.push(...group);
    }
  }

  async function leave(): Promise<void> {
    const group = clients.splice(0);
    for (const client of group) client.destroy();
    await eventually(
      () => upstream.activeConnections === 0,
      'the upstream connections to close',
      PATIENCE_MILLISECONDS,
    );
  }

  it('cost little memory each, get heartbeats, and give the memory back', async () => {
    // What the first streams load and compile, and the pages that the heap then has, are no part of the figure.
    await openStreams(OPENED_AT_ONCE);
    await leave();
    const before = await engine.memory();
    const openedAt = performance.now();
    await openStreams(streams);
    const openedIn = performance.now() - openedAt;
    const beats = (client: ProbeClient): number => client.responses[0]?.text.split(/^:/m).length ?? 0;
    await eventually(
      () => clients.every((client) => beats(client) > HEARTBEATS),
      'heartbeats on all streams',
      PATIENCE_MILLISECONDS,
    );
    const during = await engine.memory();
    const { heapUsed, external } = during;
    await leave();
    const used = ({ heapUsed: heap, external: buffers }: MemoryReport): number => heap + buffers;
    let after = await engine.memory();
    for (let look = 0; look < LOOKS && used(after) - used(before) > KEPT; look += 1) after = await engine.memory();
    const each = (during.rss - before.rss) / streams;
    print(
      `${streams} idle streams:`,
      `opened in ${openedIn.toFixed(0)} ms; resident memory ${megabytes(before.rss)} -> ${megabytes(during.rss)}: ${kilobytes(each)} each (allowed: ${kilobytes(ALLOWED)})`,
      `heap + external: ${kilobytes((heapUsed + external - used(before)) / streams)} each; afterwards ${megabytes(used(after) - used(before))} more than before, resident ${megabytes(after.rss)}`,
      `heartbeats: at least ${HEARTBEATS} on each of them`,
    );
    expect(streams).toBe(wanted);
    expect(each).toBeLessThan(ALLOWED);
    expect(used(after) - used(before)).toBeLessThan(KEPT);
    expect(engine.log).toEqual([]);
  }, 120_000);
});
