import { describe, expect, it } from '@jest/globals';
import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import { ResponsesStreamDecoder } from '../../src/backends/openai-responses/stream-decoder.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { AnswerDecoder } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { hasRecordedStreams, recordedStreams, type RecordedStream } from '../support/recorded-streams.ts';
import { accumulate, outputOf, write } from '../support/response-events.ts';

const sources: readonly (readonly [readonly string[], () => AnswerDecoder])[] = [
  [
    ['openai-responses', 'azure-responses', 'xai-responses', 'lmstudio-responses'],
    () => new ResponsesStreamDecoder(true),
  ],
  [['openai-chat', 'deepseek', 'groq', 'mistral', 'openrouter', 'xai'], () => new ChatStreamDecoder()],
];

/** The events of a recording, or undefined where it ends with an error or breaks off. */
function decode({ frames }: RecordedStream, decoder: AnswerDecoder): readonly AnswerEvent[] | undefined {
  try {
    const events = frames.flatMap(({ event, data }) => decoder.frame(event, data).events);
    return [...events, ...decoder.end()];
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    return undefined;
  }
}

const said = (texts: readonly string[]): readonly string[] =>
  texts.filter((text) => text !== '' && text !== '{}').toSorted();

describe.each(sources)('recorded answers of %j', (providers, open) => {
  if (!hasRecordedStreams) {
    it.skip('are not beside the project', () => undefined);
    return;
  }
  it.each(recordedStreams(providers).map((stream) => [stream.name, stream] as const))(
    '%s come together at a client as the provider meant them',
    (_name, recorded) => {
      const events = decode(recorded, open());
      if (events === undefined) return;
      const fold = new AnswerFold();
      for (const event of events) fold.push(event);
      const blocks = fold.answer.choices.flatMap((choice) => (choice.index === 0 ? choice.blocks : []));
      const kinds = /^(?:text|refusal|reasoning|reasoning_summary|tool_call|custom_tool_call)$/;
      const given = blocks.filter(({ kind }) => kinds.test(kind)).flatMap(({ text, arguments: json }) => [text, json]);
      const written = write(events);
      const items = [...accumulate(written).values()];
      const shown = items.filter(({ item }) =>
        /^(?:message|reasoning|function_call|custom_tool_call)$/.test(String(item['type'])),
      );
      expect(said(shown.flatMap(({ texts }) => [...texts.values()]))).toEqual(said(given));
      expect(outputOf(written)).toEqual(items.map(({ done }) => done));
    },
  );
});
