import { describe, expect, it } from '@jest/globals';
import { GeminiStreamDecoder } from '../../src/backends/gemini/stream-decoder.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import { chatRequest, encodeContext, fakeRun } from '../support/chat-run.ts';
import { gemini, objectsOf, type Json } from '../support/gemini-stream.ts';
import { hasRecordedStreams, recordedStreams } from '../support/recorded-streams.ts';

/** The calls of an answer, those that came in pieces put together; the recorded ones have no paths but `$.name`. */
function collectCalls(parts: readonly Json[]): readonly Json[] {
  const calls: { name: unknown; id: unknown; args: Record<string, unknown> }[] = [];
  for (const { functionCall } of parts) {
    if (functionCall === undefined) continue;
    const { name, id, args, partialArgs } = functionCall as Json;
    if (name !== undefined) calls.push({ name, id, args: { ...(args as Json | undefined) } });
    const values = calls.at(-1)?.args ?? {};
    for (const { jsonPath, stringValue } of objectsOf(partialArgs)) {
      const key = String(jsonPath).slice('$.'.length);
      const before = values[key];
      values[key] = `${typeof before === 'string' ? before : ''}${String(stringValue)}`;
    }
  }
  return calls;
}

/** What a client makes of chunks or of one document. */
function collect(chunks: readonly Json[]): Json {
  const candidates = chunks.flatMap((chunk) => objectsOf(chunk['candidates']));
  const parts = candidates.flatMap((candidate) => objectsOf((candidate['content'] as Json | undefined)?.['parts']));
  const textOf = (isThought: boolean): string =>
    parts
      .filter((part) => typeof part['text'] === 'string' && (part['thought'] === true) === isThought)
      .map((part) => part['text'])
      .join('');
  const last = (name: string): unknown => candidates.findLast((candidate) => candidate[name] !== undefined)?.[name];
  return {
    text: textOf(false),
    thoughts: textOf(true),
    signatures: parts.flatMap((part) => part['thoughtSignature'] ?? []),
    calls: collectCalls(parts),
    others: parts
      .map(({ text: _text, thought: _thought, thoughtSignature: _signature, functionCall: _call, ...rest }) => rest)
      .filter((rest) => Object.keys(rest).length > 0),
    reasons: candidates.flatMap((candidate) => candidate['finishReason'] ?? []),
    message: last('finishMessage'),
    grounding: last('groundingMetadata'),
    usage: chunks.findLast((chunk) => chunk['usageMetadata'] !== undefined)?.['usageMetadata'],
    id: chunks[0]?.['responseId'],
    model: chunks[0]?.['modelVersion'],
  };
}

const streams = recordedStreams(['gemini', 'vertex-gemini']).map(({ name, frames }) => ({
  name,
  frames: frames.map(({ data }) => data).filter((data) => data !== '[DONE]'),
}));

(hasRecordedStreams ? describe : describe.skip)(
  'recorded streams (skipped where they are not beside the project)',
  () => {
    it.each(streams.map(({ name, frames }) => [name, frames] as const))('%s says the same again', (_name, frames) => {
      const lost: string[] = [];
      const context = encodeContext(chatRequest(), fakeRun({ lose: (what) => void lost.push(what) }));
      const decoder = new GeminiStreamDecoder();
      const stream = gemini.open(context);
      const fold = new AnswerFold();
      const events = [...frames.flatMap((data) => decoder.frame('', data).events), ...decoder.end()];
      for (const event of events) fold.push(event);
      const bytes = events.map((event) => stream.encode(event)).join('') + stream.end();
      const chunks = Buffer.from(bytes, 'latin1')
        .toString('utf8')
        .split('\n\n')
        .filter((frame) => frame !== '')
        .map((frame) => JSON.parse(frame.slice('data: '.length)) as Json);
      const expected = collect(frames.map((data) => JSON.parse(data) as Json));
      expect(collect(chunks)).toEqual(expected);
      expect(collect([gemini.encodeAnswer(fold.answer, context) as Json])).toEqual(expected);
      const written = chunks.flatMap((chunk) => objectsOf(chunk['candidates']));
      expect(written.filter(({ content }) => objectsOf((content as Json)['parts']).length === 0)).toEqual([]);
      expect(lost).toEqual([]);
    });

    it('go out with their own bytes where nobody changes them', () => {
      for (const { frames } of streams) {
        const decoder = new GeminiStreamDecoder();
        const stream = gemini.open(encodeContext(chatRequest()));
        expect(frames.every((data) => stream.copies(decoder.frame('', data)))).toBe(true);
        expect(
          decoder
            .end()
            .map((event) => stream.encode(event))
            .join('') + stream.end(),
        ).toBe('');
      }
    });
  },
);
