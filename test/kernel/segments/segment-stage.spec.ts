import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent, EventOfType } from '../../../src/kernel/event.ts';
import { SluiceError } from '../../../src/kernel/errors.ts';
import { ArgumentStrings } from '../../../src/kernel/segments/segment-arguments.ts';
import { SegmentBlock } from '../../../src/kernel/segments/segment-block.ts';
import { cutByLength } from '../../../src/kernel/segments/segment-cutter.ts';
import type { SegmentOutcome } from '../../../src/kernel/segments/segment-lane.ts';
import { cutBySentence } from '../../../src/kernel/segments/segment-sentences.ts';
import { SegmentStage, type SegmentOptions } from '../../../src/kernel/segments/segment-stage.ts';
import { SegmentPlayer, settle } from '../../support/segment-player.ts';
import { testRun } from '../../support/test-run.ts';

const options: Omit<SegmentOptions, 'work'> = {
  channels: ['text', 'toolArguments'],
  cutter: () => cutBySentence({ maxCharacters: 32, fences: false }),
  ahead: 64,
  parallel: 2,
  context: { unit: 'segments', count: 2 },
  readsAll: true,
};
const start: AnswerEvent = { type: 'block.start', blockId: 'b0', kind: 'text', role: 'assistant' };
const say = (text: string): AnswerEvent => ({ type: 'text.delta', blockId: 'b0', role: 'assistant', text });
const pass = (): SegmentOutcome => ({ action: 'pass' });

describe('a stage of segments', () => {
  it('tells with a segment what is in front of it', () => {
    const player = new SegmentPlayer({ ...options, parallel: 9 }, pass);
    for (const event of [start, say('aa. bb. cc. dd. ')]) player.call(event);
    expect(player.pending.map(({ task }) => [task.before, task.text])).toEqual([
      ['', 'aa.'],
      ['aa.', ' bb.'],
      ['aa. bb.', ' cc.'],
      [' bb. cc.', ' dd.'],
    ]);
  });

  it('works on so many at a time, and on the first first', () => {
    const player = new SegmentPlayer(options, pass);
    for (const event of [start, say('aa. bb. cc. dd. ')]) player.call(event);
    expect(player.pending.map(({ task }) => task.text)).toEqual(['aa.', ' bb.']);
  });

  it('keeps an event behind the sentence that it came in', async () => {
    const player = new SegmentPlayer(options, pass);
    const mark: AnswerEvent = { type: 'annotation', blockId: 'b0', annotation: {} };
    for (const event of [start, say('One'), mark, say(' more. Then')]) player.call(event);
    player.settleOne(0);
    await settle();
    expect(player.left).toEqual([start, say('One more.'), mark]);
  });

  it('takes a sentence for complete when too much waits behind it', async () => {
    const player = new SegmentPlayer(options, pass);
    const picture: AnswerEvent = { type: 'media.delta', blockId: 'b0', base64: 'x'.repeat(65_536) };
    for (const event of [start, say('One')]) player.call(event);
    const call = player.call(picture);
    expect([call.paused, player.pending.length]).toEqual([true, 1]);
    player.settleOne(0);
    await settle();
    expect([call.done, player.left.length]).toEqual([true, 3]);
  });

  it('never holds one character more than it may', async () => {
    const player = new SegmentPlayer({ ...options, cutter: () => cutByLength(5), parallel: 99 }, pass);
    player.call(start);
    const read = (): number => player.pending.reduce((sum, { task }) => sum + task.text.length, 0);
    expect(player.call(say('x'.repeat(1_000))).paused).toBe(true);
    expect(read()).toBe(60);
    player.settleOne(0);
    await settle();
    expect([read(), player.texts().get('b0')]).toEqual([60, 'xxxxx']);
  });

  it('reads of a huge event only as much as may wait', async () => {
    const player = new SegmentPlayer({ ...options, cutter: () => cutByLength(32) }, pass);
    player.call(start);
    const text = 'lorem ipsum '.repeat(4_000);
    const call = player.call(say(text));
    while (!call.done) {
      expect(player.pending.length <= 2).toBe(true);
      if (!player.settleOne(0)) break;
      await settle();
    }
    expect(call.done).toBe(true);
    const end = player.call({ type: 'stream.end', outcome: 'ok' });
    expect(end.paused).toBe(true);
    while (player.settleOne(0)) await settle();
    expect(player.texts().get('b0')).toBe(text);
  });

  it('lets text go at once that needs no work, and work that is done at once', () => {
    const { run } = testRun();
    const left: AnswerEvent[] = [];
    const control = { emit: (event: AnswerEvent) => void left.push(event), stop: () => undefined };
    const stage = new SegmentStage(
      { ...options, work: ({ text }) => ({ action: 'replace', text: text.toUpperCase() }) },
      run,
      control,
    );
    const events = [
      start,
      say(' \n'),
      say('One. '),
      { type: 'block.end', blockId: 'b0' },
      { type: 'stream.end', outcome: 'ok' },
    ] as const;
    for (const event of events) expect(stage.modify(event)).toBeUndefined();
    expect(left.map((event) => (event.type === 'text.delta' ? event.text : event.type))).toEqual([
      'block.start',
      ' \nONE.',
      ' ',
      'block.end',
      'stream.end',
    ]);
    expect(stage.matches).toBe(1);
  });

  it('tells a failure to the call that waits, or to the next one', async () => {
    const error = new SluiceError('MODIFIER_FAILED');
    const failing = (): SegmentOutcome => ({ action: 'fail', error });
    const waiting = new SegmentPlayer(options, failing);
    waiting.call(start);
    waiting.call(say('One. Two'));
    const call = waiting.call({ type: 'stream.end', outcome: 'ok' });
    waiting.settleOne(0);
    await settle();
    expect(call.error).toBe(error);
    const later = new SegmentPlayer(options, failing);
    later.call(start);
    later.call(say('One. Two'));
    later.settleOne(0);
    await settle();
    expect(() => later.call(say('.'))).toThrow(error);
    expect(() => later.call(say('.'))).toThrow(error);
  });

  it('takes a throw of the work for a failure', async () => {
    const { run } = testRun();
    const control = { emit: () => undefined, stop: () => undefined };
    const works: SegmentOptions['work'][] = [
      () => {
        throw new TypeError('broken');
      },
      () => Promise.reject(new TypeError('broken')),
    ];
    for (const work of works) {
      const stage = new SegmentStage({ ...options, work }, run, control);
      const push = async (): Promise<void> => {
        for (const event of [start, say('One. '), { type: 'stream.end', outcome: 'ok' }] as const)
          await stage.modify(event);
      };
      await expect(push()).rejects.toMatchObject({ code: 'MODIFIER_FAILED' });
    }
  });

  it('reads a tool call that comes at once', () => {
    const player = new SegmentPlayer(options, pass);
    player.call({
      type: 'block.start',
      blockId: 't',
      kind: 'tool_call',
      role: 'assistant',
      initial: { input: { cmd: 'rm. Now' } },
    });
    expect([player.left.length, player.pending.map(({ task }) => task.text)]).toEqual([0, ['input', '\ncmd']]);
  });
});

describe('what brought the text of a block', () => {
  const opening = { type: 'block.start', blockId: 'b0', kind: 'text', role: 'assistant' } as const;
  const delta = (text: string, logprobs?: unknown): EventOfType<'text.delta'> => ({
    ...({ type: 'text.delta', blockId: 'b0', role: 'assistant', text } as const),
    ...(logprobs !== undefined && { logprobs }),
  });

  it('is joined where it tells text only, and kept where it tells more', () => {
    const block = new SegmentBlock(opening, 'text', cutByLength(9));
    for (const event of [delta('ab'), delta('cd'), delta('ef', [1]), delta('gh', [2]), delta('ij')]) block.note(event);
    expect([block.take(3), block.take(4), block.take(3)]).toEqual([
      [delta('abc')],
      [delta('d'), delta('ef', [1]), delta('g')],
      [delta('h'), delta('ij')],
    ]);
  });

  it('is forgotten when it was taken, in linear time', () => {
    const block = new SegmentBlock(opening, 'text', cutByLength(9));
    block.note(delta('x'));
    let longest = 0;
    for (let count = 0; count < 200_000; count += 1) {
      block.note(delta('abcd'));
      longest = Math.max(longest, ...block.take(4).map(({ text }) => text.length));
    }
    expect([longest, block.take(9)]).toEqual([4, [delta('d')]]);
  });
});

describe('the strings of arguments', () => {
  it.each<[string[], string]>([
    [['{"a":"b","c":[1,"d"]}'], 'a\nb\nc\nd\n'],
    [['{"a":"x\\', 'n\\u00', '41\\"y\\\\', '"}'], 'a\nx\nA"y\\\n'],
    [['"\\ud83d\\ude00 \\q \\u00zz"'], '😀 q \ufffd\n'],
    [['not json "at', ' all'], 'at all'],
    [['', '{}'], ''],
  ])('of %j', (pieces, expected) => {
    for (const given of [pieces, [pieces.join('')], pieces.join('').split('')]) {
      const strings = new ArgumentStrings();
      expect(given.map((piece) => strings.push(piece)).join('')).toBe(expected);
    }
  });
});
