import { framingOf } from '../../src/forward/framings.ts';
import { AnswerBody } from '../../src/kernel/answer-body.ts';
import { AnswerPipe } from '../../src/kernel/answer-pipe.ts';
import type { Backend, Encoder } from '../../src/kernel/component.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import { asSluiceError, breaksAnswer, SluiceError } from '../../src/kernel/errors.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { encodeEvent } from './aws-event-stream.ts';
import { chatRequest } from './chat-run.ts';
import { createInstance } from './component-instance.ts';
import type { ProviderFrame, ProviderName } from './rich-answers.ts';
import { productRegistry } from './sluice.ts';
import { testRun, type TestRun } from './test-run.ts';

export const clientNames = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'ollama',
  'native',
] as const;
export type ClientName = (typeof clientNames)[number];

const registry = await productRegistry();
const streamTypes: Partial<Record<ProviderName, string>> = {
  ollama: 'application/x-ndjson',
  'bedrock-converse': 'application/vnd.amazon.eventstream',
};
const encoders = new Map<string, Encoder>();
const backends = new Map<string, Backend>();

/** The backend of a format, for a provider that is never called. */
export function backendOf(type: ProviderName): Backend {
  let backend = backends.get(type);
  if (backend === undefined) {
    const component = registry.get('backend', type);
    if (component === undefined) throw new Error(`no backend ${type}`);
    const config =
      type === 'bedrock-converse'
        ? { region: 'us-east-1', model: 'm' }
        : { baseUrl: 'https://provider.invalid/v1', model: 'm' };
    backend = createInstance(component, config, testRun().capabilities);
    backends.set(type, backend);
  }
  return backend;
}

/** The encoder of a dialect. */
export function encoderOf(type: ClientName): Encoder {
  let encoder = encoders.get(type);
  if (encoder === undefined) {
    const component = registry.get('encoder', type);
    if (component === undefined) throw new Error(`no encoder ${type}`);
    encoder = createInstance(component, {}, testRun().capabilities);
    encoders.set(type, encoder);
  }
  return encoder;
}

/** The bytes in which a provider sends its frames. */
export function bytesOfFrames(provider: ProviderName, frames: readonly ProviderFrame[]): Buffer {
  return Buffer.concat(frames.map((frame) => bytesOfFrame(provider, frame)));
}

function bytesOfFrame(provider: ProviderName, { event, data }: ProviderFrame): Buffer {
  if (provider === 'bedrock-converse') return encodeEvent(event, typeof data === 'string' ? { data } : data);
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  if (provider === 'ollama') return Buffer.from(`${text}\n`);
  return Buffer.from(`${event === '' ? '' : `event: ${event}\n`}data: ${text}\n\n`);
}

export interface Played {
  /** What the client got: its stream, or its document. */
  readonly text: string;
  /** The error that it ended with; any that is not a SluiceError is thrown. */
  readonly error: SluiceError | undefined;
  readonly lost: readonly string[];
}

export interface PlayOptions {
  readonly steps?: readonly Bound<Modifier>[];
  readonly stream?: boolean;
}

/** The whole way of an answer, from the bytes of the provider to those of the client, without a socket. */
export function playAnswer(
  provider: ProviderName,
  client: ClientName,
  bytes: Buffer,
  { steps = [], stream = true }: PlayOptions = {},
): Played {
  const test = testRun();
  let text = '';
  let error: SluiceError | undefined;
  const say = (piece: string): void => void (text += piece);
  const { answer, fail } = openAnswer(test, provider, client, steps, stream, say);
  const framing = framingOf(streamTypes[provider] ?? 'text/event-stream')?.(answer, 1_048_576);
  try {
    framing?.push(bytes.toString('latin1'));
    if (!answer.terminated) framing?.end();
    answer.end();
  } catch (thrown) {
    if (!(thrown instanceof SluiceError)) throw thrown;
    error = asSluiceError(thrown);
    if (breaksAnswer(error)) answer.fail();
    if (answer instanceof AnswerPipe) answer.flush();
    say(fail(error));
  }
  return { text: stream ? Buffer.from(text, 'latin1').toString('utf8') : text, error, lost: test.lost };
}

function openAnswer(
  { run }: TestRun,
  provider: ProviderName,
  client: ClientName,
  steps: readonly Bound<Modifier>[],
  stream: boolean,
  say: (piece: string) => void,
): { readonly answer: AnswerPipe | AnswerBody; readonly fail: (error: SluiceError) => string } {
  const request = chatRequest({ dialect: client, stream, settings: { includeUsage: true } });
  const context = { run, request, created: 1_700_000_000 };
  const encoder = encoderOf(client);
  const output = {
    write: say,
    complete: say,
    json: say,
    pause: () => undefined,
    began: () => undefined,
    ended: () => undefined,
    fail: (failure: SluiceError) => {
      throw failure;
    },
  };
  const shared = { run, choices: 1, sameDialect: (provider as string) === client, modifiers: () => steps, output };
  const opened = encoder.open(context);
  const answer = stream
    ? new AnswerPipe({ ...shared, encoder: opened, counters: { pass: 0, scan: 0, splice: 0, slow: 0 } })
    : new AnswerBody({ ...shared, encoder, context });
  answer.attach(backendOf(provider).decode(request));
  return {
    answer,
    fail: (failure) => (stream ? opened.fail(failure) : JSON.stringify(encoder.encodeError(failure, 'run-1').body)),
  };
}
