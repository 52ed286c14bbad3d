import { RunOfRequest } from '../src/compile/run-of-request.ts';
import { UpstreamLeg } from '../src/compile/upstream-leg.ts';
import type { CompiledBackend } from '../src/compile/compiled-pipeline.ts';
import type { AnswerReceiver, ForwardCall, Forwarder } from '../src/kernel/forward.ts';
import type { ChatRequest } from '../src/kernel/request.ts';
import { Secret } from '../src/kernel/schema.ts';
import { isPromise } from '../src/kernel/supervise.ts';
import type { Credential, TokenLink } from '../src/kernel/tokens/token-provider.ts';
import { cpuOf } from './chain-cost.ts';
import type { InsideJob, TokenCost, TokenStampede } from './inside-figures.ts';
import { median } from './statistics.ts';
import { cachedToken, tokenCases, tokenOfCaller, tokenVariables } from './token-definitions.ts';
import { tokenEngine, tokenLength, tokenSeconds, type TokenEngine } from './token-engine.ts';

/** Calls of each turn. */
const callsPerTurn = 2_000;
const callers = 1_000;
/** Runs that ask at the same time. */
const crowd = 1_000;

const request: ChatRequest = {
  dialect: 'openai-chat',
  stream: true,
  settings: {},
  tools: [],
  messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hello' }] }],
  metadata: {},
  params: {},
};
const limits = { concurrentStreams: 1, maxStreamDuration: 1, maxFrameBytes: 1, maxAnswerBytes: 1 };
const call: ForwardCall = { pause: () => undefined, resume: () => undefined, abort: () => undefined };
/** Takes each request and does nothing with it. */
const forwarder: Pick<Forwarder, 'send'> = { send: () => call };
/** Hears nothing, since nothing answers. */
const receiver = {} as AnswerReceiver;
const onFailed = (error: unknown): never => {
  throw error;
};

type MakeRun = (index: number) => RunOfRequest;

/** Runs of one caller, or in turn of so many. */
function runsOf({ clock, log }: TokenEngine, count: number): MakeRun {
  const people = Array.from({ length: count }, (_, index) => {
    const presented = new Secret('authorization', () => `Bearer caller-${index}`.padEnd(tokenLength, '.'));
    return { caller: { id: `caller-${index}`, tier: '', scopes: [] }, presented: () => presented };
  });
  const shared = { id: 'run', pipeline: 'tokens', revision: 'r1', params: {}, deadline: Infinity, clock, log };
  const meter = { count: () => undefined };
  return (index) => {
    const person = people[index % count];
    if (person === undefined) throw new TypeError('there is no caller');
    return new RunOfRequest({ ...shared, ...person, meter, onProgress: () => undefined });
  };
}

/** What one attempt does for its token, on the way out and at its end. */
function attempt(backend: CompiledBackend, run: RunOfRequest): void {
  const leg = new UpstreamLeg({ request, backend, run, forwarder: forwarder as Forwarder, limits, receiver, onFailed });
  leg.start();
  leg.accept();
  leg.end();
}

/** Nanoseconds of CPU for each attempt. The runs are made in the time: a signal belongs to the run that asks for it. */
function perAttempt(backend: CompiledBackend, makeRun: MakeRun): number {
  const cpu = cpuOf(() => {
    for (let index = 0; index < callsPerTurn; index += 1) attempt(backend, makeRun(index));
  });
  return (cpu * 1_000) / callsPerTurn;
}

/** Nanoseconds of CPU for each `getToken`. Throws where one was a promise. */
function perToken(link: TokenLink, runs: readonly RunOfRequest[]): number {
  const answers: (Credential | Promise<Credential>)[] = Array.from({ length: callsPerTurn });
  let next = 0;
  const cpu = cpuOf(() => {
    for (let index = 0; index < callsPerTurn; index += 1) {
      const run = runs[next];
      if (run !== undefined) answers[index] = link.getToken(run);
      next = next + 1 === runs.length ? 0 : next + 1;
    }
  });
  for (const answer of answers) {
    if (isPromise(answer)) throw new TypeError(`${link.name}: a token that is there came as a promise`);
    link.settled(answer, 'accepted');
  }
  return (cpu * 1_000) / callsPerTurn;
}

interface Case {
  readonly name: string;
  readonly backend: CompiledBackend & { readonly token: TokenLink };
  readonly makeRun: MakeRun;
  readonly runs: readonly RunOfRequest[];
  readonly tokens: number[];
  readonly attempts: number[];
  /** Attempts without a token provider, next to those above. */
  readonly bare: number[];
}

async function caseOf(name: string, backend: Case['backend'], makeRun: MakeRun, count: number): Promise<Case> {
  const runs = Array.from({ length: count }, (_, index) => makeRun(index));
  // From here on nothing has to be fetched; and a run that has a signal makes no other one.
  for (const run of runs) backend.token.settled(await backend.token.getToken(run), 'accepted');
  return { name, backend, makeRun, runs, tokens: [], attempts: [], bare: [] };
}

function play({ backend, makeRun, runs, tokens, attempts, bare }: Case): void {
  tokens.push(perToken(backend.token, runs));
  attempts.push(perAttempt(backend, makeRun));
  bare.push(perAttempt({ ...backend, token: undefined }, makeRun));
}

/**
 * What a token costs that is there: asked for by itself, and as the share of a whole attempt, which puts it into a copy of the
 * request and gives it back. No byte is sent.
 */
export async function tokenCosts({ turns }: Pick<InsideJob, 'turns'>): Promise<TokenCost[]> {
  const engine = await tokenEngine(tokenVariables);
  const cases: Case[] = [];
  for (const [name, definition] of Object.entries(tokenCases))
    cases.push(await caseOf(name, engine.backend(definition), runsOf(engine, 1), 1));
  const perCaller = `cache of ${callers.toLocaleString('en-US')} callers' tokens`;
  cases.push(await caseOf(perCaller, engine.backend(tokenOfCaller), runsOf(engine, callers), callers));
  for (const one of cases) for (let turn = 0; turn < 10; turn += 1) play(one);
  for (const { tokens, attempts, bare } of cases) for (const warm of [tokens, attempts, bare]) warm.length = 0;
  const fetched = engine.calls();
  for (let turn = 0; turn < turns; turn += 1) for (const one of turn % 2 === 0 ? cases : cases.toReversed()) play(one);
  if (engine.calls() !== fetched) throw new TypeError('a token that was there was fetched again');
  return cases.map(({ name, tokens, attempts, bare }) => ({
    provider: name,
    perToken: median(tokens) ?? 0,
    addedPerRequest: median(attempts.map((value, turn) => value - (bare[turn] ?? value))) ?? 0,
  }));
}

/** Until what is fetched in the background is there: the token server answers in the next turn of the loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A thousand runs that ask in the same turn of the loop. */
async function ask(engine: TokenEngine, link: TokenLink, when: string): Promise<TokenStampede> {
  const makeRun = runsOf(engine, 1);
  const before = engine.calls();
  const asked = Array.from({ length: crowd }, (_, index) => link.getToken(makeRun(index)));
  const waiting = asked.filter(isPromise).length;
  const credentials = new Set(await Promise.all(asked.map((token) => Promise.resolve(token))));
  await settle();
  return { when, runs: crowd, waiting, calls: engine.calls() - before, tokens: credentials.size };
}

/** What the token server sees when many runs need a token at the same time. */
export async function tokenStampedes(): Promise<TokenStampede[]> {
  const engine = await tokenEngine(tokenVariables);
  const { token: link } = engine.backend(cachedToken);
  const figures = [await ask(engine, link, 'before there is one')];
  engine.advance(tokenSeconds * 900);
  figures.push(await ask(engine, link, 'when a new one is due'));
  engine.advance(tokenSeconds * 2_000);
  figures.push(await ask(engine, link, 'after it has expired'));
  engine.advance(10_000);
  const old = await link.getToken(runsOf(engine, 1)(0));
  for (let run = 0; run < crowd; run += 1) link.invalidate(old, { reason: 'rejected' });
  figures.push(await ask(engine, link, 'after it was refused to each of them'));
  return figures;
}
