import { afterEach, describe, expect, it } from '@jest/globals';
import { answerFrames, commentFrame, roleFrame } from '../support/openai-stream.ts';
import type { Step } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { seenBy, streams, type Form } from './seen.ts';
import { closeStages, openStage, type Stage, type StageOptions } from './stage.ts';

afterEach(closeStages);

const plain = answerFrames({
  text: ['Hel', 'lo ', 'grüße ', '你好', ' 👋🏽', ' "quoted" \\ \n'],
  usage: { prompt: 3, completion: 9 },
});
const calls = answerFrames({ toolCalls: [{ id: 'call_1', name: 'search', arguments: ['{"q":', '"ünï', 'code"}'] }] });
const withCarriageReturns = plain.join('').replaceAll('\n', '\r\n');
const withPings = [commentFrame('ping'), roleFrame(), 'retry: 10\n\n', ...plain.slice(1)].join(commentFrame('x'));

const bodies: readonly (readonly [name: string, text: string, definition: object])[] = [
  ['text beyond ASCII', plain.join(''), {}],
  ['a tool call', calls.join(''), {}],
  ['lines that end in CR LF', withCarriageReturns, {}],
  ['lines that end in CR', withCarriageReturns.replaceAll('\n', ''), {}],
  ['comments between the events', withPings, {}],
  ['a masked word', plain.join(''), { modifiers: [{ type: 'mask-words', config: { words: ['hello', '好 👋'] } }] }],
];
const cuts: readonly (readonly [name: string, cut: object])[] = [
  ['in packets of one byte', { slice: 1 }],
  ['in packets of 2 bytes', { slice: 2 }],
  ['in packets of 7 bytes', { slice: 7 }],
  ['in chunks of one byte', { chunk: 1 }],
  ['in chunks of 3 bytes, in packets of 5', { chunk: 3, slice: 5 }],
];
const head: Step = { status: 200, headers: { 'content-type': 'text/event-stream' } };

/** The body that the client gets, without the id that is new for each run. */
async function bytesOf(stage: Stage, form: Form): Promise<string> {
  const client = await stage.ask(form);
  expect(await seenBy(client, form)).toMatchObject({ status: 200, end: 'ok' });
  return (await client.response()).body.toString('latin1').replace(/"requestId":"[^"]+"/, '');
}

describe(row('packets'), () => {
  const table = streams.flatMap((form) =>
    bodies.map(([name, text, definition]) => [name, form, text, definition] as const),
  );
  it.each(table)('%s is the same bytes however it comes (%s)', async (_name, form, text, definition) => {
    const scenarios = [{}, ...cuts.map(([, cut]) => cut)].map((cut): readonly Step[] => [
      head,
      { write: { text, ...cut } },
    ]);
    const stage = await openStage({ upstream: scenarios, definition });
    const whole = await bytesOf(stage, form);
    for (const [how] of cuts) expect([how, await bytesOf(stage, form)]).toEqual([how, whole]);
    expect(stage.upstream.requests.length).toBe(scenarios.length);
  });

  it.each(streams)('any two packets give the same bytes as one (%s)', async (form) => {
    const bytes = Buffer.from(
      answerFrames({ text: ['ü你👋'] })
        .slice(1)
        .join(''),
    );
    const part = (start: number, end?: number): Step => ({
      write: { base64: bytes.subarray(start, end).toString('base64') },
    });
    const options: StageOptions = {
      upstream: ({ index }) => [head, part(0, index), { wait: `rest ${index}` }, part(index)],
    };
    const stage = await openStage(options);
    for (let index = 0; index < bytes.length; index += 1) stage.upstream.release(`rest ${index}`);
    const whole = await bytesOf(stage, form);
    expect(whole).toContain(Buffer.from('ü你👋').toString('latin1'));
    for (let index = 1; index < bytes.length; index += 1)
      expect([index, await bytesOf(stage, form)]).toEqual([index, whole]);
  });
});

describe(row('byte-order-mark'), () => {
  const text = plain.join('');
  const mark = '\ufeff';
  it.each(streams)('is no part of the first event (%s)', async (form) => {
    const upstream = [text, mark + text].map((body): readonly Step[] => [head, { write: { text: body, slice: 1 } }]);
    const stage = await openStage({ upstream });
    expect(await bytesOf(stage, form)).toBe(await bytesOf(stage, form));
  });
});
