import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { checkCondition } from '../compile/conditions.ts';
import { readEnvironment, type Environment, type EnvironmentSource } from '../config/environment.ts';
import { checkPipeline } from '../definitions/check-pipeline.ts';
import { PipelineFolder } from '../definitions/pipeline-folder.ts';
import type { ResolvedPipeline } from '../definitions/resolved-pipeline.ts';
import { createUndiciTransport } from '../forward/undici-transport.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { describeCause } from '../kernel/errors.ts';
import type { Transport } from '../kernel/upstream.ts';
import { discover } from '../registry/discover.ts';
import type { Registry } from '../registry/registry.ts';
import { startServer, type SluiceServer } from '../server.ts';
import { exchange, type ExchangeEnd } from './chat-exchange.ts';
import { RunLog } from './run-log.ts';
import { alignRows, runRows, runSummary } from './run-table.ts';
import { isTty, Screen } from './screen.ts';

/*
 * npm run demo                          chats with the pipeline `demo` in the terminal
 * npm run demo -- "My password is …"    sends one message and ends
 */

const pipelineName = 'demo';
const exampleMessage = 'My password is hunter2. What is in the vault?';
const connectTimeoutMilliseconds = 5_000;

export interface DemoOptions {
  readonly environment: EnvironmentSource;
  /** The one message to send; without it, messages are read from `input`, one per line. */
  readonly message?: string;
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Ends the demo, as Ctrl-C does. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Runs the engine in this process, on a port of its own, and shows what the pipeline `demo` makes of messages. Resolves
 * to the exit code: 0, 1 where the one message failed, 2 for an environment that is not in order.
 */
export async function demo(options: DemoOptions): Promise<number> {
  const { clock = systemClock, output } = options;
  const screen = new Screen(output, options.environment);
  const read = readEnvironment({ ...options.environment, HOST: '127.0.0.1', PORT: '0' });
  if ('problems' in read) {
    for (const problem of read.problems) screen.failure(problem);
    return 2;
  }
  const { environment } = read;
  const log = new RunLog((line) => screen.trouble(line));
  const registry = await discover(new URL('..', import.meta.url));
  const server = await startServer({ environment, registry, clock, log });
  const transport = createUndiciTransport({ profile: 'private', connectTimeoutMilliseconds, clock });
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted === true) stop();
  output.on('error', stop);
  const talk = new Talk({
    server,
    transport,
    screen,
    log,
    signal: stopped.signal,
    steps: { environment, registry, clock },
  });
  try {
    if (options.message === undefined) return await chat(talk, screen, options, stopped);
    screen.question(options.message);
    const { outcome } = await talk.ask(options.message);
    return outcome === 'failed' ? 1 : 0;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await transport.close();
    await server.close();
    output.removeListener('error', stop);
  }
}

/** Reads one message per line until the input ends or the reader has had enough. */
async function chat(
  talk: Talk,
  screen: Screen,
  { input, output }: DemoOptions,
  stopped: AbortController,
): Promise<number> {
  const isTerminal = isTty(input) && isTty(output);
  const lines = createInterface({ input, terminal: isTerminal, prompt: screen.prompt, ...(isTerminal && { output }) });
  const close = (): void => lines.close();
  lines.on('SIGINT', () => stopped.abort());
  stopped.signal.addEventListener('abort', close, { once: true });
  // Opened before anything is waited for: lines that come earlier would be lost.
  const messages = lines[Symbol.asyncIterator]();
  screen.greeting(pipelineName, exampleMessage, await talk.pipeline());
  if (stopped.signal.aborted) close();
  const showPrompt = (): void => {
    if (!isTerminal) return;
    screen.onPromptLost = () => lines.prompt(true);
    lines.prompt();
  };
  showPrompt();
  for await (const line of messages) {
    screen.onPromptLost = undefined;
    const message = line.trim() === '' ? exampleMessage : line;
    if (!isTerminal || line !== message) screen.question(message);
    await talk.ask(message);
    if (stopped.signal.aborted) break;
    showPrompt();
  }
  screen.onPromptLost = undefined;
  if (isTerminal) screen.line('');
  return 0;
}

interface TalkParts {
  readonly server: SluiceServer;
  readonly transport: Transport;
  readonly screen: Screen;
  readonly log: RunLog;
  readonly signal: AbortSignal;
  readonly steps: { readonly environment: Environment; readonly registry: Registry; readonly clock: Clock };
}

/** Exchanges with the pipeline, one after another; each is a request of its own. */
class Talk {
  readonly #parts: TalkParts;

  constructor(parts: TalkParts) {
    this.#parts = parts;
  }

  async ask(message: string): Promise<ExchangeEnd> {
    const { server, transport, screen, log, signal } = this.#parts;
    const request = { origin: server.origin, pipeline: pipelineName, message };
    screen.line('');
    const end = await exchange(transport, request, screen, signal);
    screen.endOfText();
    if (end.outcome === 'failed') screen.error(end.code, end.message);
    const record = log.take(end.run);
    const pipeline = await this.pipeline();
    if (record === undefined || end.outcome === 'stopped') return end;
    // A definition that was saved meanwhile may have other steps.
    if (pipeline !== undefined && pipeline.revision === record.revision)
      screen.table(alignRows(runRows(pipeline, record)));
    screen.summary(runSummary(record));
    return end;
  }

  /** The definition as it is now; undefined where it has mistakes, which are in the log. */
  async pipeline(): Promise<ResolvedPipeline | undefined> {
    const { environment, registry, clock } = this.#parts.steps;
    const folder = new PipelineFolder({ directory: environment.pipelinesDir, clock });
    const { pipelines, resources } = await folder.read();
    await folder.close();
    const source = pipelines.get(pipelineName);
    if (source === undefined) return undefined;
    return checkPipeline(source, {
      registry,
      resources,
      pipelines,
      checkCondition,
      environment: { ...environment.secrets, clock },
    }).pipeline;
  }
}

async function main(): Promise<void> {
  const stop = new AbortController();
  process.on('SIGINT', () => stop.abort());
  process.on('SIGTERM', () => stop.abort());
  const message = process.argv.slice(2).join(' ').trim();
  const { env: environment, stdin: input, stdout: output } = process;
  try {
    process.exitCode = await demo({
      environment,
      input,
      output,
      signal: stop.signal,
      ...(message !== '' && { message }),
    });
  } catch (error) {
    process.stderr.write(`The demo failed: ${describeCause(error)}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
