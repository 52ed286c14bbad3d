import type { ProbeResult } from './load-job.ts';

interface ChatChunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly message?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly completion_tokens?: number } | null;
}

interface Reading {
  text: string;
  finishReason: string | undefined;
  completionTokens: number | undefined;
}

function collect(reading: Reading, chunk: ChatChunk): void {
  const choice = chunk.choices?.[0];
  reading.text += choice?.delta?.content ?? choice?.message?.content ?? '';
  reading.finishReason = choice?.finish_reason ?? reading.finishReason;
  reading.completionTokens = chunk.usage?.completion_tokens ?? reading.completionTokens;
}

/** The `data` of each event; comments and other fields are skipped. */
function eventData(body: string): string[] {
  return body.split('\n\n').flatMap((frame) =>
    frame
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => line.slice(6)),
  );
}

function read(body: string, stream: boolean): Reading {
  const reading: Reading = { text: '', finishReason: undefined, completionTokens: undefined };
  const documents = stream ? eventData(body) : [body];
  if (stream && documents.pop() !== '[DONE]') throw new Error('the stream does not end with [DONE]');
  for (const document of documents) collect(reading, JSON.parse(document) as ChatChunk);
  return reading;
}

/**
 * Reads a whole answer as a client would and returns the size that all later answers of the same request must have.
 * Throws, saying what is wrong, where text, finish reason or usage are not the mock's.
 */
export function checkAnswer(answer: ProbeResult, stream: boolean, expectedText: string): number {
  const body = Buffer.from(answer.body, 'latin1').toString('utf8');
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${body.slice(0, 300)}`);
  const reading = read(body, stream);
  if (reading.text !== expectedText) throw new Error(`wrong text: ${JSON.stringify(reading.text.slice(0, 200))}`);
  if (reading.finishReason !== 'stop') throw new Error(`finish reason ${reading.finishReason}`);
  if (reading.completionTokens !== 61) throw new Error('the usage is missing or wrong');
  return answer.body.length;
}
