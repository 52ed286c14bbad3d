import { leaksOf } from './canary.ts';
import type { FaultUpstream } from './fault-upstream.ts';
import type { LogCapture } from './log-capture.ts';
import { readNativeStream } from './native-reader.ts';
import { readOpenAiStream } from './openai-reader.ts';
import type { ProbeClient } from './probe-client.ts';
import type { ProcessWatch } from './process-watch.ts';
import { terminalFaults, type ClientDialect } from './terminals.ts';
import type { TestClock } from './test-clock.ts';
import { turn } from './turn.ts';

/** Counters since the start, and gauges of now. */
export interface EngineMetrics {
  readonly streamsOpened: number;
  readonly streamsEnded: number;
  readonly streamsLive: number;
  readonly upstreamCallsLive: number;
  /** Compiled pipelines in memory: one per served pipeline, and the old ones that still have a run. */
  readonly generationsLive: number;
}

/** The engine under test, as the invariants see it. */
export interface EngineView {
  metrics(): EngineMetrics;
  /** True after it was closed: then nothing at all may be left. */
  readonly closed: boolean;
  /** Pipelines that it serves; default 1. */
  readonly pipelines?: number;
}

export interface ClientOutput {
  readonly probe: ProbeClient;
  readonly dialect: ClientDialect;
  /** For the message. */
  readonly name?: string;
}

export interface InvariantInput {
  readonly engine?: EngineView;
  readonly upstreams?: readonly FaultUpstream[];
  readonly clock?: TestClock;
  /** Timers that may wait while the engine is open, by their label (`file.ts:12`), such as a poll of the definitions. */
  readonly allowedTimers?: RegExp;
  readonly outputs?: readonly ClientOutput[];
  readonly logs?: readonly LogCapture[];
  /** Secrets that were given to the engine and must not come out of it. */
  readonly canaries?: readonly string[];
  readonly watch?: ProcessWatch;
}

/** Real milliseconds in which sockets that were closed may still be told so. */
const GRACE_MILLISECONDS = 5_000;

/**
 * Checks after a test what must be true after every test. Waits a little for sockets to close, then throws one error
 * that lists all that is wrong.
 */
export async function checkInvariants(input: InvariantInput): Promise<void> {
  // A rejection is told to the process a turn late; a stray write may come as late.
  await turn(8);
  const deadline = performance.now() + GRACE_MILLISECONDS;
  let violations = findViolations(input);
  while (violations.length > 0 && performance.now() < deadline) {
    await turn();
    violations = findViolations(input);
  }
  if (violations.length > 0)
    throw new Error(`Broken invariants:\n${violations.map((violation) => `- ${violation}`).join('\n')}`);
}

/** What is wrong at this moment. */
export function findViolations(input: InvariantInput): readonly string[] {
  return [
    ...engineViolations(input),
    ...upstreamViolations(input),
    ...timerViolations(input),
    ...(input.outputs ?? []).flatMap(({ probe, dialect, name }, index) =>
      terminalFaults(probe, dialect).map((fault) => `client ${name ?? index}: ${fault}`),
    ),
    ...leakViolations(input),
    ...pollutionViolations(),
    ...(input.watch?.escaped ?? []),
  ];
}

function engineViolations({ engine }: InvariantInput): readonly string[] {
  if (engine === undefined) return [];
  const metrics = engine.metrics();
  const { streamsOpened, streamsEnded, generationsLive } = metrics;
  const generations = engine.closed ? 0 : (engine.pipelines ?? 1);
  return [
    ...(streamsOpened === streamsEnded ? [] : [`${streamsOpened} streams were opened and ${streamsEnded} ended`]),
    ...(['streamsLive', 'upstreamCallsLive'] as const).flatMap((gauge) =>
      metrics[gauge] === 0 ? [] : [`${gauge} is ${metrics[gauge]}, not 0`],
    ),
    ...(generationsLive === generations ? [] : [`generationsLive is ${generationsLive}, not ${generations}`]),
  ];
}

function upstreamViolations({ engine, upstreams = [] }: InvariantInput): readonly string[] {
  return upstreams.flatMap((upstream) => {
    const count = engine?.closed === true ? upstream.openConnections : upstream.activeConnections;
    const kind = engine?.closed === true ? 'open' : 'in use';
    return [
      ...(count === 0 ? [] : [`${count} connections to ${upstream.origin} are still ${kind}`]),
      ...upstream.problems.map((problem) => `upstream ${upstream.origin}: ${problem}`),
    ];
  });
}

function timerViolations({ engine, clock, allowedTimers }: InvariantInput): readonly string[] {
  const allowed = engine?.closed === true ? undefined : allowedTimers;
  const left = clock?.pendingTimers().filter(({ label }) => allowed?.test(label) !== true) ?? [];
  return left.map(({ kind, label, dueAt }) => `a timer is left: ${kind} of ${label}, due at ${dueAt}`);
}

function leakViolations({ outputs = [], logs = [], canaries = [] }: InvariantInput): readonly string[] {
  const places = [
    ...outputs.map(({ probe, dialect, name }, index) => [`client ${name ?? index}`, seenBy(probe, dialect)] as const),
    ...logs.map((log, index) => [`log ${index}`, log.text()] as const),
  ];
  return canaries.flatMap((canary, index) =>
    places.flatMap(([place, text]) => leaksOf(canary, text).map((form) => `${place}: canary ${index} leaks (${form})`)),
  );
}

/** All that a client can read: the bytes, the bodies without chunk sizes, and the text that its deltas make together. */
function seenBy(probe: ProbeClient, dialect: ClientDialect): string {
  const bodies = probe.responses.flatMap(({ body }) => {
    if (dialect === 'native') return [body.toString('utf8'), readNativeStream(body).text];
    const { text, reasoning, refusal, toolCalls } = readOpenAiStream(body);
    return [body.toString('utf8'), text, reasoning, refusal, ...toolCalls.map((call) => call.arguments)];
  });
  return [probe.received.toString('utf8'), ...bodies].join('\n');
}

function pollutionViolations(): readonly string[] {
  const polluted = Object.keys(Object.prototype);
  if ('polluted' in {} && !polluted.includes('polluted')) polluted.push('polluted');
  return polluted.map((key) => `Object.prototype has the property "${key}"`);
}
