import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { bedrockConverseBackend } from '../../src/backends/bedrock-converse.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { Backend } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { hasConverseStreams, recordedConverseStreams, type ConverseFrame } from '../support/aws-event-stream.ts';
import { chatRequest } from '../support/chat-run.ts';
import { createInstance } from '../support/component-instance.ts';
import { testRun } from '../support/test-run.ts';

const backend: Backend = createInstance(
  bedrockConverseBackend,
  { region: 'us-east-1', model: 'amazon.nova-pro-v1:0' },
  testRun().capabilities,
);

interface Summary {
  text: string;
  reasoning: string;
  signatures: string[];
  tools: { name: string; id: string; input: unknown }[];
  stopReason: string | undefined;
  input: number | undefined;
  output: number | undefined;
}

interface Payload {
  contentBlockIndex?: number;
  start?: { toolUse?: { toolUseId: string; name: string; type?: string } };
  delta?: {
    text?: string;
    toolUse?: { input: string };
    reasoningContent?: { text?: string; signature?: string; redactedContent?: string };
  };
  stopReason?: string;
  usage?: { inputTokens: number; outputTokens: number };
}

/** The answer, read without any of our code. */
function naive(frames: readonly ConverseFrame[]): Summary {
  const summary: Summary = {
    text: '',
    reasoning: '',
    signatures: [],
    tools: [],
    stopReason: undefined,
    input: undefined,
    output: undefined,
  };
  const inputs = new Map<number, { name: string; id: string; json: string }>();
  for (const { data } of frames) {
    const { contentBlockIndex = -1, start, delta, stopReason, usage } = JSON.parse(data) as Payload;
    const { toolUse } = start ?? {};
    if (toolUse !== undefined && toolUse.type !== 'server_tool_use')
      inputs.set(contentBlockIndex, { name: toolUse.name, id: toolUse.toolUseId, json: '' });
    summary.text += delta?.text ?? '';
    summary.reasoning += delta?.reasoningContent?.text ?? '';
    const proof = delta?.reasoningContent?.signature ?? delta?.reasoningContent?.redactedContent;
    if (proof !== undefined) summary.signatures.push(proof);
    const input = inputs.get(contentBlockIndex);
    if (input !== undefined) input.json += delta?.toolUse?.input ?? '';
    summary.stopReason ??= stopReason;
    summary.input ??= usage?.inputTokens;
    summary.output ??= usage?.outputTokens;
  }
  for (const { name, id, json } of inputs.values())
    summary.tools.push({ name, id, input: JSON.parse(json === '' ? '{}' : json) });
  return summary;
}

function summaryOf({ choices, usage }: ChatAnswer): Summary {
  const [choice] = choices;
  const blocks = choice?.blocks ?? [];
  const textOf = (kind: string): string =>
    blocks
      .filter((block) => block.kind === kind)
      .map(({ text }) => text)
      .join('');
  return {
    text: textOf('text'),
    reasoning: textOf('reasoning'),
    signatures: blocks.flatMap(({ signature }) => (signature === undefined ? [] : [signature.value])),
    tools: blocks
      .filter(({ kind }) => kind === 'tool_call')
      .map(({ start, arguments: json }) => ({
        name: start.name ?? '',
        id: start.callId ?? '',
        input: JSON.parse(json) as unknown,
      })),
    stopReason: choice?.finish?.reason.raw,
    input: usage?.input?.noCache,
    output: usage?.output?.total,
  };
}

function decode(frames: readonly ConverseFrame[]): { events: AnswerEvent[]; terminated: boolean } {
  const decoder = backend.decode(chatRequest());
  const events = frames.flatMap(({ event, data }) => [...decoder.frame(event, data).events]);
  events.push(...decoder.end());
  return { events, terminated: decoder.terminated };
}

const streams = recordedConverseStreams();
const title = hasConverseStreams ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

(hasConverseStreams ? describe : describe.skip)(title, () => {
  it('are all there', () => {
    expect(streams.length).toBe(29);
  });

  it.each(streams)('$name: order, text, tools, proofs, usage and end', ({ frames }) => {
    const { events, terminated } = decode(frames);
    const order = new EventOrder();
    const fold = new AnswerFold();
    for (const event of events) {
      order.accept(event);
      fold.push(event);
    }
    order.accept({ type: 'stream.end', outcome: 'ok' });
    expect(events[0]?.type).toBe('response.meta');
    expect(events.filter(({ type }) => type === 'raw')).toEqual([]);
    expect(summaryOf(fold.answer)).toEqual(naive(frames));
    expect(terminated).toBe(frames.some(({ event }) => event === 'metadata'));
  });

  it.each(streams)('$name: cut off anywhere it is truncated until the reason of its end was there', ({ frames }) => {
    const stop = frames.findIndex(({ event }) => event === 'messageStop');
    for (let count = 0; count <= Math.min(stop, 40); count += 1)
      expect(() => decode(frames.slice(0, count))).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
    expect(() => decode(frames.slice(0, stop + 1))).not.toThrow();
  });

  it('mutated are never more than a SluiceError', () => {
    const small = streams.filter(({ frames }) => frames.length < 80);
    const mutation = fc.record({
      frame: fc.nat(),
      at: fc.nat(),
      with: fc.constantFrom('', '"', '{', '}', 'x', '0', 'null', '\\', '['),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...small),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        ({ frames }, mutations) => {
          const changed = frames.map((frame) => ({ ...frame }));
          for (const { frame, at, with: text } of mutations) {
            const target = changed[frame % changed.length];
            if (target === undefined) continue;
            const place = at % (target.data.length + 1);
            target.data = target.data.slice(0, place) + text + target.data.slice(place + 1);
          }
          try {
            decode(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(SluiceError);
          }
        },
      ),
    );
  });
});
