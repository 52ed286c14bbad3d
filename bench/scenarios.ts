import { burstEvents, burstWriteCount, jsonText, loneIntervalMilliseconds, streamText } from './mock-answers.ts';
import type { Profile } from './settings.ts';

export const scenarioNames = [
  'json',
  'single',
  'burst',
  'padded',
  'translated',
  'lone',
  'ttft',
  'idle',
  'word-mask',
  'pattern-set',
  'modifiers',
  'modifiers-ttft',
  'modifiers-inside',
  'tokens',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** What a system takes part in whose provider and clients speak the same format. */
export const oneFormatScenarios: readonly ScenarioName[] = [
  'json',
  'single',
  'burst',
  'padded',
  'lone',
  'ttft',
  'idle',
];
/** What chains of modifiers take part in, and an empty pipeline beside them. */
export const modifierScenarios: readonly ScenarioName[] = ['modifiers', 'modifiers-ttft'];
/** One connection that waits for the first bytes of an answer. */
export const firstTokenScenarios: readonly ScenarioName[] = ['ttft', 'modifiers-ttft'];

/** A scenario that is answered and counted; idle streams and what runs inside of a process have code of their own. */
export interface LoadScenario {
  readonly name: ScenarioName;
  readonly title: string;
  /** First part of the mock's path. */
  readonly mode: string;
  readonly stream: boolean;
  /** Chunks of JSON in one answer; 0 where it is not a stream. */
  readonly events: number;
  readonly text: string;
  readonly connections: number;
  readonly spread: number;
  readonly ramp: number;
  readonly measure: number;
  /** Turns in each round; more than one where a small difference between systems counts. */
  readonly turns: number;
  /** Events per second that the mock sends to all streams together; 0 for as fast as it goes. */
  readonly askedEventsPerSecond: number;
}

const closedLoopConnections = 32;
const singleEvents = 4;

function closedLoop(profile: Profile, name: ScenarioName, title: string, events: number): LoadScenario {
  return {
    name,
    title,
    mode: name,
    stream: events > 0,
    events,
    text: events > 0 ? streamText(events) : jsonText,
    connections: closedLoopConnections,
    spread: 0,
    ramp: profile.ramp,
    measure: profile.measure,
    turns: 1,
    askedEventsPerSecond: 0,
  };
}

/** Paced streams, started evenly over the life of one, so that they never move in step. */
export function loneScenario(profile: Profile, streams: number): LoadScenario {
  const events = profile.loneEvents;
  const streamSeconds = ((events - 1) * loneIntervalMilliseconds) / 1_000;
  return {
    ...closedLoop(
      profile,
      'lone',
      `Lone events: ${streams} streams of ${events}, each event its own write every ${loneIntervalMilliseconds} ms`,
      events,
    ),
    mode: `lone-${events}`,
    connections: streams,
    spread: streamSeconds * 1_000,
    measure: profile.loneMeasure,
    askedEventsPerSecond: (streams * events) / streamSeconds,
  };
}

export function loadScenarios(profile: Profile, loneStreams: number): LoadScenario[] {
  return [
    closedLoop(profile, 'json', `JSON request: ${closedLoopConnections} connections, closed loop, answer of 1 KB`, 0),
    closedLoop(profile, 'single', 'Shortest stream: role, one text delta, finish, usage in one write', singleEvents),
    closedLoop(
      profile,
      'burst',
      `Stream of ${burstEvents} events in ${burstWriteCount} writes back to back, ${closedLoopConnections} connections`,
      burstEvents,
    ),
    closedLoop(
      profile,
      'padded',
      'The same stream with a filler of other letters in each event, as OpenAI sends it',
      burstEvents,
    ),
    {
      ...closedLoop(
        profile,
        'translated',
        'The burst between formats, from provider to client, empty pipelines: passed on as it is, and translated',
        burstEvents,
      ),
      mode: 'burst',
    },
    loneScenario(profile, loneStreams),
    {
      ...closedLoop(profile, 'ttft', 'Time to first token: 1 connection, shortest stream', singleEvents),
      mode: 'single',
      connections: 1,
      measure: profile.firstTokenMeasure,
    },
    {
      ...closedLoop(
        profile,
        'modifiers',
        'Modifiers: the burst through a mask of 10,000 words, one of two patterns, and a notice at the end',
        burstEvents,
      ),
      mode: 'burst',
      measure: profile.modifierMeasure,
      turns: profile.modifierTurns,
    },
    {
      ...closedLoop(profile, 'modifiers-ttft', 'Modifiers: time to first token, 1 connection', singleEvents),
      mode: 'single',
      connections: 1,
      measure: profile.modifierMeasure,
      turns: profile.modifierTurns,
    },
  ];
}

/** The mode of streams that stay open after the first text. */
export const idleMode = 'idle';

/** Every first part of a path that the scenarios of a system use. */
export function mockModes(profile: Profile, scenarios: readonly ScenarioName[]): string[] {
  const modes = loadScenarios(profile, 1)
    .filter(({ name }) => scenarios.includes(name))
    .map(({ mode }) => mode);
  return [...new Set(scenarios.includes('idle') ? [...modes, idleMode] : modes)];
}
