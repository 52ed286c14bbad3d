import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { probe, type ProbeClient } from '../support/probe-client.ts';
import { streaming } from '../support/scenario.ts';
import { openAiBackend, scriptedBackend } from '../support/sluice.ts';
import { terminalFaults } from '../support/terminals.ts';
import { eventually } from '../support/turn.ts';
import { buildEngine, startEngine, type BuiltEngine, type EngineProcess } from './engine-process.ts';
import { addHostileComponents, type HostileModifier, type HostileProcessor } from './hostile-components.ts';
import { printTable } from './print.ts';

const messages = [{ role: 'user', content: 'hi' }];
const ANSWER = 'begun and finished';
/** Begins at once and goes on after everything has gone wrong that will. */
const slowBackend = scriptedBackend([{ say: 'begun ' }, { wait: '300ms' }, { say: 'and finished' }]);

interface Hostile {
  readonly component: HostileProcessor | HostileModifier;
  readonly kind: 'processors' | 'modifiers';
  /** What the client sees: the whole answer, or an error, as the status or in the stream. */
  readonly sees: string;
  /** A line of the log that lays it to its run. */
  readonly logs?: string;
  /** A counter that shows it. */
  readonly counts?: string;
}

const processor = (component: HostileProcessor, sees: string, rest: Partial<Hostile> = {}): Hostile => ({
  component,
  kind: 'processors',
  sees,
  ...rest,
});
const modifier = (component: HostileModifier, sees: string, rest: Partial<Hostile> = {}): Hostile => ({
  component,
  kind: 'modifiers',
  sees,
  ...rest,
});
const escapes = { logs: 'an error escaped its component' };
const hostiles: readonly Hostile[] = [
  processor('throws-late', 'stream: INTERNAL', escapes),
  processor('rejects-loose', 'stream: INTERNAL', escapes),
  processor('rejects-at-once', 'stream: INTERNAL', escapes),
  processor('throws-after-end', ANSWER, escapes),
  processor('throws-in-emitter', 'stream: INTERNAL', escapes),
  processor('never-settles', '504: PROCESSOR_TIMEOUT', { counts: 'component_orphans' }),
  processor('settles-too-late', '504: PROCESSOR_TIMEOUT', { counts: 'orphans_settled_late' }),
  processor('floods', '500: PROCESSOR_FLOOD'),
  processor('floods-and-hides', '500: PROCESSOR_FLOOD'),
  processor('pushes-after-end', ANSWER, { counts: 'events_after_end' }),
  processor('answers-after-end', ANSWER),
  processor('throws-at-once', '500: PROCESSOR_FAILED'),
  modifier('throws-in-text', '500: MODIFIER_FAILED'),
  modifier('returns-no-text', '500: MODIFIER_FAILED'),
  modifier('never-goes-on', '504: STREAM_TOO_LONG'),
  modifier('emits-after-end', ANSWER, { counts: 'events_after_end' }),
  modifier('rejects-in-events', '500: MODIFIER_FAILED'),
];

function definitionOf({ component, kind }: Hostile): object {
  const step = { type: component, config: {}, ...(kind === 'processors' && { timeout: '300ms' }) };
  return {
    backends: { one: slowBackend },
    [kind]: [step],
    limits: { maxStreamDuration: component === 'never-goes-on' ? '500ms' : '60s' },
  };
}

const goodFrames = [roleFrame(), textFrame('byte '), textFrame('for '), textFrame('byte'), finishFrame(), doneFrame];

describe('a component that breaks the rules', () => {
  const rows: Record<string, string | number>[] = [];
  let built: BuiltEngine;
  let upstream: FaultUpstream;
  let engine: EngineProcess;
  let others: ProbeClient[] = [];
  const pipelines = Object.fromEntries(hostiles.map((hostile) => [hostile.component, definitionOf(hostile)]));
  const openStream = (pipeline: string): Promise<ProbeClient> =>
    probe(
      { port: engine.port },
      { path: `/pipelines/${pipeline}/v1/chat/completions`, body: { stream: true, messages } },
    );
  const metric = async (name: string): Promise<number> => {
    const client = await probe({ port: engine.port }, { path: '/metrics.json' });
    await client.end();
    client.destroy();
    return ((await client.response()).json() as Record<string, number>)[name] ?? 0;
  };

  beforeAll(async () => {
    built = await buildEngine();
    await addHostileComponents(built);
    upstream = await startFaultUpstream(
      streaming(goodFrames.slice(0, 3), [
        { wait: 'rest' },
        ...goodFrames.slice(3).map((text) => ({ write: { text } })),
        'end',
      ]),
    );
    engine = await startEngine(built, {
      pipelines: { ...pipelines, good: { backends: { one: openAiBackend(upstream.origin) } } },
    });
    others = await Promise.all(Array.from({ length: 5 }, () => openStream('good')));
    await Promise.all(others.map((client) => client.until('for ')));
  });
  afterAll(async () => {
    await engine.kill();
    await upstream.close();
    await built.remove();
    printTable('Components that break the rules, in one process with other streams:', rows);
  });

  it.each(hostiles)(
    '$component: harms its own run only ($sees)',
    async ({ component, kind, sees, logs, counts }) => {
      const countedBefore = counts === undefined ? 0 : await metric(counts);
      const client = await openStream(component);
      await client.end();
      const response = await client.response();
      const run = response.headers['x-sluice-run'];
      expect(outcomeOf(client, response.status, response.body)).toBe(sees);
      expect(terminalFaults(client, 'openai-chat')).toEqual([]);
      if (logs !== undefined)
        await engine.logged((entry) => entry.message === logs && entry['run'] === run, `"${logs}" of this run`);
      if (counts !== undefined) while ((await metric(counts)) <= countedBefore) expect(engine.alive).toBe(true);
      client.destroy();
      expect(engine.alive).toBe(true);
      rows.push({ component, kind, 'its client': sees, log: logs ?? '', counter: counts ?? '' });
    },
    20_000,
  );

  it('leaves the other streams as they are, byte for byte, and nothing behind', async () => {
    upstream.release('rest');
    expect(await Promise.all(others.map((client) => client.end()))).toEqual(others.map(() => 'complete'));
    expect(others.map((client) => client.responses[0]?.body.toString('utf8'))).toEqual(
      others.map(() => goodFrames.join('')),
    );
    expect([await metric('streams_live'), await metric('upstream_calls_live')]).toEqual([0, 0]);
    expect(await metric('generations_live')).toBe(hostiles.length + 1);
    rows.push({ component: '(none)', kind: '5 other streams', 'its client': 'byte for byte', log: '', counter: '' });
    engine.signal('SIGTERM');
    expect(await engine.exit).toBe(0);
  });

  it('drains the process and exits with 1 where an error belongs to no run', async () => {
    const free = await startEngine(built, {
      pipelines: {
        free: {
          backends: { one: scriptedBackend([{ say: 'begun ' }, { wait: '1500ms' }, { say: 'and finished' }]) },
          processors: [{ type: 'throws-from-create', config: {} }],
        },
      },
    });
    const client = await probe(
      { port: free.port },
      { path: '/pipelines/free/v1/chat/completions', body: { stream: true, messages } },
    );
    await client.until('begun');
    await free.logged(({ message }) => message === escapes.logs, 'the error');
    await eventually(() => client.responses[0]?.end !== undefined, 'the end of the stream', 10_000);
    expect(outcomeOf(client, 200, client.responses[0]?.body ?? Buffer.alloc(0))).toBe(ANSWER);
    expect(await free.exit).toBe(1);
    rows.push({
      component: 'throws-from-create',
      kind: 'no run',
      'its client': ANSWER,
      log: escapes.logs,
      counter: 'exit code 1, after the drain',
    });
  });
});

/** In one line: the text of a good answer, or where the error came and which. */
function outcomeOf(client: ProbeClient, status: number, body: Buffer): string {
  if (status !== 200)
    return `${status}: ${(JSON.parse(body.toString('utf8')) as { error: { code: string } }).error.code}`;
  const { text, done, error } = readOpenAiStream(body);
  if (error !== undefined) return `stream: ${String(error['code'])}`;
  return done && client.responses[0]?.end === 'complete' ? text : `no end: ${text}`;
}
