import type { Bound } from '../../src/kernel/bound-modifier.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { LogLine } from './log-capture.ts';
import { chatRequest } from './chat-run.ts';
import { compiledBackend } from './compiled-pipeline.ts';
import { backendOf, encoderOf, type ClientName } from './play-answer.ts';
import type { ProviderName } from './rich-answers.ts';
import { HandClient, HandTransport, runByHand } from './run-by-hand.ts';
import { turn } from './turn.ts';

/** What a provider sends, and how its connection ends. */
export interface ProviderBytes {
  readonly contentType: string;
  readonly pieces: readonly Buffer[];
  /** Default `end`: a clean one. */
  readonly then?: 'end' | 'reset';
}

export interface PlayedRun {
  /** Everything that the client got: a stream, or a document. */
  readonly bytes: Buffer;
  /** The answer failed before its head had left, so the client got the document of an error. */
  readonly refused: boolean;
  readonly error: SluiceError | undefined;
  /** How many pieces of the provider were read before the engine closed the connection. */
  readonly piecesRead: number;
  /** How often the engine closed the connection before its end. */
  readonly aborts: number;
  readonly lost: readonly string[];
  /** The one record of the run. */
  readonly record: LogLine['fields'];
}

/** Sends the opening with the first frames, and shows only what has left. */
class CommittingClient extends HandClient {
  /** latin1 of what has left. */
  sent = '';
  #opening = '';

  override open(frames: string): void {
    this.#opening = frames;
  }

  override write(frames: string): boolean {
    this.headCommitted = true;
    this.#leave(frames);
    return true;
  }

  override end(frames: string): void {
    this.#leave(frames);
    this.ends.push('end');
  }

  override endWithJson(body: string): void {
    this.sent = Buffer.from(body).toString('latin1');
    this.ends.push('json');
  }

  override fail(error: SluiceError, frame: string): void {
    this.error = error;
    this.sent += frame;
    this.ends.push('fail');
  }

  #leave(frames: string): void {
    this.sent += this.#opening + frames;
    this.#opening = '';
  }
}

export interface RunPlay {
  readonly provider: ProviderName;
  readonly client: ClientName;
  readonly answer: ProviderBytes;
  readonly steps?: readonly Bound<Modifier>[];
  /** Default true: the client asks for a stream. */
  readonly stream?: boolean;
  /** Notes that a processor would have left. */
  readonly prepare?: Parameters<typeof runByHand>[0];
}

const mostTurns = 2_000;

/** One run of the engine, from the bytes of the provider to those of the client, without a socket. */
export async function playRun({ provider, client: name, answer, ...play }: RunPlay): Promise<PlayedRun> {
  const { steps = [], stream = true, prepare } = play;
  const encoder = encoderOf(name);
  const transport = new HandTransport();
  const backend = compiledBackend({ transport, backend: backendOf(provider), type: provider });
  const hand = runByHand<CommittingClient>({
    ...prepare,
    pipeline: { defaultBackend: backend, modifiers: () => steps, ...prepare?.pipeline },
    encoder,
    request: chatRequest({ dialect: name, stream, settings: { includeUsage: true } }),
    client: (clock) => new CommittingClient(clock),
  });
  const { run, client } = hand;
  run.start();
  await until(() => transport.calls.includes('send') || client.ends.length > 0);
  transport.head(answer.contentType);
  let piecesRead = 0;
  for (const piece of answer.pieces) {
    await until(() => !isPaused(transport) || client.ends.length > 0);
    if (transport.calls.includes('abort')) break;
    piecesRead += 1;
    transport.data(piece);
    await Promise.resolve();
  }
  await until(() => !isPaused(transport) || client.ends.length > 0);
  if (answer.then === 'reset') transport.reset();
  else transport.end();
  await until(() => client.ends.length > 0);
  if (client.ends.length !== 1) throw new Error(`the answer ended ${client.ends.length} times`);
  const records = hand.records();
  if (records.length !== 1) throw new Error(`${records.length} records of one run`);
  const { error } = client;
  const refused = error !== undefined && !client.headCommitted;
  return {
    bytes: refused
      ? Buffer.from(JSON.stringify(encoder.encodeError(error, 'run-1').body))
      : Buffer.from(client.sent, 'latin1'),
    refused,
    error,
    piecesRead,
    aborts: transport.calls.filter((call) => call === 'abort').length,
    lost: (records[0]?.fields['lost'] as readonly string[] | undefined) ?? [],
    record: records[0]?.fields ?? {},
  };
}

function isPaused({ calls }: HandTransport): boolean {
  return calls.findLast((call) => call === 'pause' || call === 'resume') === 'pause';
}

/** Lets promises settle until it is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    if (turns === mostTurns) throw new Error('the run stands still');
    await turn();
  }
}
