import type { EventEmitter } from 'node:events';
import { runInThisContext } from 'node:vm';
import { afterAll, describe, expect, it } from '@jest/globals';
import { silentPort } from '../support/dead-port.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { answerFrames, roleFrame, textFrame } from '../support/openai-stream.ts';
import { probe, requestBytes, type ProbeClient, type ProbeRequest } from '../support/probe-client.ts';
import { watchProcess } from '../support/process-watch.ts';
import { streaming, type ScenarioLike } from '../support/scenario.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { eventually, turn } from '../support/turn.ts';
import { changeFolder } from './folder-changes.ts';
import { HeldWaits, heldComponents, registryWith } from './held-components.ts';
import { deep, printTable } from './print.ts';

const kinds = ['fin', 'reset', 'destroy'] as const;
type Kind = (typeof kinds)[number];
/** Of each phase and kind. */
const ABORTS = deep ? 100 : 34;
/**
 * They come in groups of at most so many, since some phases cost megabytes of the system's buffers per client. The
 * definition is swapped under every second group: a generation that is disposed would close what was left open.
 */
const GROUP = 17;

interface Stage {
  readonly sluice: Sluice;
  readonly upstream: FaultUpstream;
  readonly waits: HeldWaits;
  /** Another description makes another revision. */
  readonly define: (description: string) => object;
}

interface Phase {
  readonly name: string;
  /** What the upstream does; it stalls before the head where there is none. */
  readonly scenario?: ScenarioLike;
  readonly definition?: (backend: object) => object;
  /** Sends the request only up to its last byte. */
  readonly half?: boolean;
  /** True when all of `clients` have come to the phase. */
  readonly reached: (clients: readonly ProbeClient[], stage: Stage) => boolean;
  readonly prepare?: (clients: readonly ProbeClient[]) => void;
  /** `none` is asked, or a `silent` one never accepts. Default: the fault upstream, with one request of each client. */
  readonly upstream?: 'none' | 'silent';
  readonly drains?: boolean;
}

const hasText =
  (text: string) =>
  (clients: readonly ProbeClient[]): boolean =>
    clients.every(({ responses }) => responses[0]?.text.includes(text) === true);
const waitsFor = (clients: readonly ProbeClient[], { waits }: Stage): boolean => waits.pending === clients.length;
const asked = (clients: readonly ProbeClient[], { upstream }: Stage): boolean =>
  upstream.connections.filter(({ active, requestCount }) => active && requestCount === 1).length === clients.length;
const begun = streaming([roleFrame(), textFrame('begun')], ['stall']);

const phases: readonly Phase[] = [
  {
    name: 'body upload',
    half: true,
    upstream: 'none',
    reached: (clients) => clients.every(({ received }) => received.includes('100 Continue')),
  },
  {
    name: 'processor',
    upstream: 'none',
    definition: (backend) => ({
      backends: { one: backend },
      processors: [{ type: 'held-processor', timeout: '1h', config: {} }],
    }),
    reached: waitsFor,
  },
  {
    name: 'token fetch',
    upstream: 'none',
    definition: (backend) => ({ backends: { one: { ...backend, token: { type: 'held-token', config: {} } } } }),
    reached: waitsFor,
  },
  {
    name: 'connect',
    upstream: 'silent',
    reached: (clients, { sluice }) => sluice.metric('upstream_calls_live') === clients.length,
  },
  { name: 'headers', reached: asked },
  { name: 'first token', scenario: streaming([roleFrame()], ['stall']), reached: asked },
  { name: 'mid-stream', scenario: begun, reached: hasText('begun') },
  {
    name: 'paused client',
    scenario: streaming([roleFrame()], [{ forever: { text: textFrame('more '.repeat(10_000)) } }]),
    prepare: (clients) => clients.forEach((client) => client.pause()),
    reached: (clients, { upstream }) =>
      upstream.connections.filter(({ blocked, state }) => blocked && state === 'open').length === clients.length,
  },
  {
    name: 'flush',
    scenario: streaming(answerFrames({ text: ['begun'] }), ['stall']),
    definition: (backend) => ({ backends: { one: backend }, modifiers: [{ type: 'held-flush', config: {} }] }),
    reached: waitsFor,
  },
  { name: 'drain', scenario: begun, drains: true, reached: hasText('begun') },
];

const trueProcess = runInThisContext('process') as EventEmitter & { getActiveResourcesInfo(): readonly string[] };
/** Sockets of this process: those of the clients, of the engine and of the upstream. */
function openSockets(): number {
  return trueProcess.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

const rows: Record<string, string | number>[] = [];

const messages = [{ role: 'user', content: 'hi' }];
const requests: readonly ProbeRequest[] = [
  {
    path: '/pipelines/aborted/v1/chat/completions',
    headers: { expect: '100-continue' },
    body: { stream: true, messages },
  },
  { path: '/pipelines/aborted/chat', headers: { expect: '100-continue' }, body: { messages } },
  { path: '/pipelines/aborted/v1/chat/completions', headers: { expect: '100-continue' }, body: { messages } },
];

describe(`${ABORTS} clients that leave`, () => {
  afterAll(() => printTable('Client aborts, by phase and kind:', rows));

  it.each(
    phases.flatMap((phase) => kinds.map((kind) => ({ phase, kind, title: `in the phase "${phase.name}" by ${kind}` }))),
  )(
    '$title',
    async ({ phase, kind }) => {
      using watch = watchProcess();
      const silent = phase.upstream === 'silent' ? await silentPort() : undefined;
      const stage = await openStage(phase, silent?.port);
      const { sluice, upstream } = stage;
      try {
        const before = openSockets();
        let generations = '';
        const leaks: string[] = [];
        const size = phase.drains === true ? ABORTS : GROUP;
        for (let left = ABORTS, group = 1; left > 0; left -= size, group += 1) {
          const meanwhile = phase.drains === true ? 'drain' : group % 2 === 0 ? 'swap' : 'nothing';
          generations = await abortGroup(phase, kind, Math.min(left, size), stage, meanwhile);
          await eventually(() => leaksOf(stage, before).length === 0, 'everything to be closed').catch(() => undefined);
          leaks.push(...leaksOf(stage, before));
        }
        leaks.push(...watch.escaped);
        const others = phase.drains === true ? 1 : 0;
        const aborted = phase.half === true ? ABORTS : sluice.metric('runs_client_gone') - others;
        const closed = upstream.connections.filter(({ closedBy }) => closedBy === 'client').length - others;
        rows.push({
          phase: phase.name,
          kind,
          aborted,
          'upstream closed':
            phase.upstream === undefined ? `${closed} of ${upstream.connections.length - others}` : phase.upstream,
          generations,
          leaked: leaks.length,
        });
        expect(leaks).toEqual([]);
        expect([aborted, closed]).toEqual([ABORTS, phase.upstream === undefined ? ABORTS : 0]);
      } finally {
        await sluice.close();
        await upstream.close();
        await silent?.close();
      }
      expect(sluice.clock.pendingTimers()).toEqual([]);
    },
    30_000,
  );
});

async function openStage(phase: Phase, silentPortNumber: number | undefined): Promise<Stage> {
  const waits = new HeldWaits();
  const upstream = await startFaultUpstream(phase.scenario ?? ['stall']);
  const origin = silentPortNumber === undefined ? upstream.origin : `http://127.0.0.1:${silentPortNumber}`;
  const define = (description: string): object => definitionOf(phase, origin, description);
  const sluice = await startSluice({
    registry: await registryWith(...heldComponents(waits)),
    pipelines: { aborted: define('first') },
  });
  return { sluice, upstream, waits, define };
}

function definitionOf(phase: Phase, origin: string, description: string): object {
  // The clock moves while the definition is swapped, and nothing of that may end a run.
  const timeouts = Object.fromEntries(
    ['connect', 'headers', 'firstToken', 'idle', 'progress', 'total'].map((name) => [name, '1h']),
  );
  const backend = openAiBackend(origin, { timeouts });
  const output = { clientStall: '1h', commitAfter: '1h', heartbeat: '1h' };
  return {
    description,
    output,
    limits: { maxStreamDuration: '1h', maxAnswerBytes: 1_073_741_824 },
    ...(phase.definition?.(backend) ?? { backends: { one: backend } }),
  };
}

/** Brings clients to the phase, lets them leave, and waits until nothing of them is left. Returns the generations in memory. */
async function abortGroup(
  phase: Phase,
  kind: Kind,
  size: number,
  stage: Stage,
  meanwhile: 'swap' | 'drain' | 'nothing',
): Promise<string> {
  const { sluice, upstream } = stage;
  // One that stays keeps the engine from ending, which would close everything.
  const staying = meanwhile === 'drain' ? await openClient(sluice.port, phase, 0) : undefined;
  const clients = await Promise.all(Array.from({ length: size }, (_, index) => openClient(sluice.port, phase, index)));
  phase.prepare?.(clients);
  await eventually(() => phase.reached(clients, stage), `${size} clients in the phase "${phase.name}"`);
  // What has been sent is also read.
  await turn(20);
  if (meanwhile === 'swap') await swapDefinition(stage);
  const drained = meanwhile === 'drain' ? sluice.drain() : undefined;
  const during = sluice.metric('generations_live');
  for (const client of clients) client[kind]();
  const stays = staying === undefined ? 0 : 1;
  await eventually(
    () => sluice.metric('streams_live') === stays && upstream.activeConnections === stays,
    'the runs to end',
  );
  staying?.[kind]();
  await drained;
  // Who only said that it sends no more, and does not read, sees the end when it reads on.
  for (const client of clients) client.resume();
  await Promise.all(clients.map((client) => client.close()));
  return `${during} -> ${sluice.metric('generations_live')}`;
}

function swapDefinition({ sluice, define }: Stage): Promise<void> {
  const served = (): number => sluice.log.messages().filter((message) => message === 'pipeline serves').length;
  const before = served();
  return changeFolder(
    sluice,
    () => sluice.save('aborted', define(`revision ${before}`)),
    () => served() > before,
  );
}

function openClient(port: number, phase: Phase, index: number): Promise<ProbeClient> {
  const request =
    requests[
      phase.name === 'mid-stream' || phase.name === 'drain' || phase.name === 'paused client' ? index % 2 : index % 3
    ];
  if (request === undefined) throw new Error('there is a request');
  return probe({ port }, request, phase.half === true ? { only: requestBytes(request).length - 1 } : {});
}

/** What is still there and should not be. */
function leaksOf({ sluice, upstream, waits }: Stage, socketsBefore: number): readonly string[] {
  const gauges = {
    'streams live': sluice.metric('streams_live'),
    'streams opened and not ended': sluice.metric('streams_opened') - sluice.metric('streams_ended'),
    'upstream calls live': sluice.metric('upstream_calls_live'),
    'upstream connections in use': upstream.activeConnections,
    'components waiting': waits.pending,
    'old generations': Math.max(0, sluice.metric('generations_live') - 1),
    timers: sluice.clock.pendingTimers().filter(({ label }) => !label.startsWith('pipeline-folder.ts')).length,
    sockets: Math.max(0, openSockets() - socketsBefore),
  };
  return Object.entries(gauges).flatMap(([name, count]) => (count === 0 ? [] : [`${name}: ${count}`]));
}
