import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ResponsesStreamDecoder } from '../../src/backends/openai-responses/stream-decoder.ts';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import {
  added,
  at,
  call,
  completed,
  created,
  decode,
  done,
  finishOf,
  frame,
  inCall,
  message,
  part,
  text,
  thought,
  typesOf,
  usage,
  type Json,
} from './openai-responses/frames.ts';

describe('frames that are not known', () => {
  it('are passed on, and harmless ones are dropped', () => {
    const strange = frame('novel.delta', { delta: 'x' });
    const events = decode([created, '{"type":"keepalive","sequence_number":3}', strange, completed()]);
    expect(events.filter((event) => event.type === 'raw')).toEqual([
      { type: 'raw', dialect: 'openai-responses', event: 'response.novel.delta', data: strange },
    ]);
    expect(typesOf(events)).toEqual(['response.meta', 'raw', 'finish']);
  });

  it('never come before the metadata', () => {
    expect(typesOf(decode([frame('novel'), completed()]))[0]).toBe('response.meta');
  });
});

describe('transparency', () => {
  const place = { item_id: 'i1', output_index: 0, content_index: 0, sequence_number: 4 };
  const delta = (fields: Json): string =>
    JSON.stringify({ type: 'response.output_text.delta', ...place, delta: 'a', ...fields });

  it.each<readonly [string, string, string, boolean]>([
    ['text', '', delta({ logprobs: [], obfuscation: 'aB3' }), true],
    ['text with the name of the event', 'response.output_text.delta', delta({}), true],
    ['another name of the event', 'secret', delta({}), false],
    ['log probabilities', '', delta({ logprobs: [{ token: 'a' }] }), false],
    ['padding with words', '', delta({ obfuscation: 'two words' }), false],
    ['an unknown field', '', delta({ note: 'secret' }), false],
    ['another item', '', delta({ item_id: 'secret' }), false],
    ['a number that is none', '', delta({ sequence_number: 'secret' }), false],
    [
      'a key twice',
      '',
      '{"type":"response.output_text.delta","item_id":"i1","output_index":0,"delta":"secret","delta":"a"}',
      false,
    ],
    ['the whole text', '', frame('output_text.done', { ...place, text: 'ab' }), false],
    ['an unknown frame', '', frame('novel', { text: 'secret' }), false],
    ['a ping', '', '{"type":"keepalive"}', true],
  ])('%s', (_title, event, data, transparent) => {
    const decoder = new ResponsesStreamDecoder(true);
    for (const before of [created, added(message), text('b')]) decoder.frame('', before);
    expect(decoder.frame(event, data).transparent).toBe(transparent);
  });
});

/** Any JSON in the place of a value of a frame. */
const strangeValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('__proto__', 'i1', -1, 1e99, null, [], {}),
);

const wholeStream = [
  created,
  added(message),
  frame('content_part.added', { ...at, part: part() }),
  text('Hi', { sequence_number: 3 }),
  frame('output_text.annotation.added', {
    ...at,
    annotation_index: 0,
    annotation: { type: 'url_citation', url: 'https://a.example' },
  }),
  done({ ...message, content: [part({ text: 'Hi' })] }),
  added({ ...thought, id: 'r2' }, 1),
  frame('reasoning_summary_text.delta', { item_id: 'r2', output_index: 1, summary_index: 0, delta: 'hm' }),
  done({ ...thought, id: 'r2', encrypted_content: 'x' }, 1),
  added({ ...call, id: 'f3' }, 2),
  frame('function_call_arguments.delta', { item_id: 'f3', output_index: 2, delta: '{}' }),
  frame('image_generation_call.partial_image', { item_id: 'g1', output_index: 3, partial_image_b64: 'AA==' }),
  frame('audio.delta', { delta: 'AA==' }),
  frame('mcp_call.in_progress', { item_id: 'z', output_index: 9 }),
  completed({ usage }),
];

describe('hostile streams', () => {
  it('never cause anything but an error of our own, or events in order', () => {
    const mutation = fc.record({
      frame: fc.nat(wholeStream.length - 1),
      path: fc.array(fc.nat(8), { minLength: 1, maxLength: 4 }),
      value: strangeValue,
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), fc.boolean(), (mutations, own) => {
        const frames = [...wholeStream];
        for (const { frame: at_, path, value } of mutations) frames[at_] = mutate(frames[at_] ?? '', path, value);
        const decoder = new ResponsesStreamDecoder(own);
        const order = new EventOrder();
        try {
          for (const data of frames) for (const event of decoder.frame('', data).events) order.accept(event);
          for (const event of decoder.end()) order.accept(event);
          order.accept({ type: 'stream.end', outcome: 'ok' });
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
          expect((error as SluiceError).code).not.toBe('EVENT_ORDER');
        }
      }),
    );
  });

  it('lose and repeat frames without harm', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(wholeStream.length - 2), { maxLength: 40 }), (picks) => {
        const frames = [...picks.map((index) => wholeStream[index] ?? created), completed()];
        expect(finishOf(decode(frames))).toBeDefined();
      }),
    );
  });

  it('can not open blocks or items without end', () => {
    const decoder = new ResponsesStreamDecoder();
    const flood = (make: (index: number) => string) => () => {
      for (let index = 0; index < 10_000; index += 1) decoder.frame('', make(index));
    };
    expect(flood((index) => added({ ...message, id: `m${index}` }, index))).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }),
    );
    const waiting = new ResponsesStreamDecoder();
    const long = frame('function_call_arguments.delta', { ...inCall, delta: 'x'.repeat(1_000) });
    expect(() => {
      for (let index = 0; index < 100; index += 1) waiting.frame('', long);
    }).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }));
  });
});

function mutate(data: string, path: readonly number[], value: unknown): string {
  const document = JSON.parse(data) as Json;
  let target: Json = document;
  for (const step of path.slice(0, -1)) {
    const inner = Object.values(target)[step];
    if (typeof inner !== 'object' || inner === null) break;
    target = inner as Json;
  }
  const keys = Object.keys(target);
  const key = keys[(path.at(-1) ?? 0) % Math.max(1, keys.length)];
  if (key !== undefined) target[key] = value;
  return JSON.stringify(document);
}

describe('bytes', () => {
  it('may be cut anywhere', () => {
    const bytes = Buffer.from(
      wholeStream.map((data) => `event: ${String((JSON.parse(data) as Json)['type'])}\ndata: ${data}\n\n`).join(''),
    );
    const read = (cuts: readonly number[]): AnswerEvent[] => {
      const decoder = new ResponsesStreamDecoder(true);
      const events: AnswerEvent[] = [];
      const framing = new SseFraming(
        {
          lane: undefined,
          frame: (event, data) => void events.push(...decoder.frame(event, data).events),
          textFrame: () => false,
        },
        1_000_000,
      );
      let start = 0;
      for (const end of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
        framing.push(bytes.subarray(start, end).toString('latin1'));
        start = end;
      }
      framing.end();
      return [...events, ...decoder.end()];
    };
    const whole = read([]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
        expect(read(cuts)).toEqual(whole);
      }),
    );
  });
});
