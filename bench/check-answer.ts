import { dialects, type Dialect } from './dialects.ts';
import type { ProbeResult, Target } from './load-job.ts';
import { completionTokens } from './mock-answers.ts';

/** One SSE event, or the whole body where the answer is no stream. */
interface Part {
  readonly name: string | undefined;
  readonly data: string;
}

interface Reading {
  text: string;
  finishReason: string | undefined;
  completionTokens: number | undefined;
}

interface ChatChunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly message?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly completion_tokens?: number } | null;
}

function collectChunk(reading: Reading, { data }: Part): void {
  const chunk = JSON.parse(data) as ChatChunk;
  const choice = chunk.choices?.[0];
  reading.text += choice?.delta?.content ?? choice?.message?.content ?? '';
  reading.finishReason = choice?.finish_reason ?? reading.finishReason;
  reading.completionTokens = chunk.usage?.completion_tokens ?? reading.completionTokens;
}

interface MessageEvent {
  readonly type: string;
  readonly delta?: { readonly text?: string; readonly stop_reason?: string | null };
  readonly usage?: { readonly output_tokens?: number };
}

/** Official clients go by the name of an event and skip one that has another. */
function collectMessageEvent(reading: Reading, { name, data }: Part): void {
  const event = JSON.parse(data) as MessageEvent;
  if (event.type !== name) throw new Error(`an event "${event.type}" under the name "${name}"`);
  reading.text += event.delta?.text ?? '';
  reading.finishReason = event.delta?.stop_reason ?? reading.finishReason;
  reading.completionTokens = event.usage?.output_tokens ?? reading.completionTokens;
}

interface AnswerForm {
  collect(reading: Reading, part: Part): void;
  /** The reason of an answer that came to its end. */
  readonly finishReason: string;
}

const forms: Readonly<Record<Dialect, AnswerForm>> = {
  openai: { collect: collectChunk, finishReason: 'stop' },
  anthropic: { collect: collectMessageEvent, finishReason: 'end_turn' },
};

/** The events of a stream without its terminator; comments and other fields are skipped. */
function readEvents(body: string): Part[] {
  return body.split('\n\n').flatMap((frame) => {
    const lines = frame.split('\n');
    const valueOf = (field: string): string | undefined =>
      lines.find((line) => line.startsWith(field))?.slice(field.length);
    const data = valueOf('data: ');
    return data === undefined ? [] : [{ name: valueOf('event: '), data }];
  });
}

function partsOf(body: string, { dialect, stream }: Target): Part[] {
  if (!stream) return [{ name: undefined, data: body }];
  const { terminator } = dialects[dialect];
  if (!body.endsWith(terminator)) throw new Error(`the stream does not end with ${JSON.stringify(terminator)}`);
  return readEvents(body.slice(0, -terminator.length));
}

/**
 * Reads a whole answer as a client would and returns the size that all later answers of the same request must have.
 * Throws, saying what is wrong, where text, finish reason or usage are not the mock's.
 */
export function checkAnswer(answer: ProbeResult, target: Target, expectedText: string): number {
  const body = Buffer.from(answer.body, 'latin1').toString('utf8');
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${body.slice(0, 300)}`);
  const form = forms[target.dialect];
  const reading: Reading = { text: '', finishReason: undefined, completionTokens: undefined };
  for (const part of partsOf(body, target)) form.collect(reading, part);
  if (reading.text !== expectedText) throw new Error(`wrong text: ${JSON.stringify(reading.text.slice(0, 200))}`);
  if (reading.finishReason !== form.finishReason) throw new Error(`finish reason ${reading.finishReason}`);
  if (reading.completionTokens !== completionTokens) throw new Error('the usage is missing or wrong');
  return answer.body.length;
}
