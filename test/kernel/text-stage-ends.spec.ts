import { describe, expect, it } from '@jest/globals';
import type { BoundText } from '../../src/kernel/bound-modifier.ts';
import type { AnswerEnding, TextBlock, TextModifier, TextRewriter } from '../../src/kernel/modifier.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { TextStage } from '../../src/kernel/text-stage.ts';
import { stageOutput, type StageOutput } from '../support/stage-owner.ts';
import { testRun } from '../support/test-run.ts';

const role = 'assistant' as const;
const start = (blockId: string, kind: BlockKind = 'text', more: object = {}): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind,
  role,
  ...more,
});
const text = (blockId: string, piece: string): AnswerEvent => ({ type: 'text.delta', blockId, role, text: piece });
const json = (blockId: string, piece: string): AnswerEvent => ({ type: 'toolArgs.delta', blockId, json: piece });
const end = (blockId: string): AnswerEvent => ({ type: 'block.end', blockId });
const finish = (unified: 'stop' | 'length' | 'tool_calls' = 'stop', choice?: number): AnswerEvent => ({
  type: 'finish',
  reason: { unified },
  ...(choice !== undefined && { choice }),
});
const streamEnd: AnswerEvent = { type: 'stream.end', outcome: 'ok' };

type Open = (block: TextBlock) => TextRewriter;

function step(name: string, open: Open, more: Partial<TextModifier> & { guard?: boolean } = {}): BoundText {
  const { guard = false, ...fields } = more;
  const modifier: TextModifier = {
    effect: 'text',
    channels: ['text', 'reasoning', 'refusal', 'toolArguments'],
    policy: { mode: 'live' },
    open: (_run, block) => open(block),
    ...fields,
  };
  return { name, guard, onError: 'fail', modifier };
}

/** Lets text go until a `#`, and ends the answer there. */
const stopAtHash = (ending: AnswerEnding): BoundText =>
  step('stop', (block) => ({
    text(chunk) {
      const at = chunk.indexOf('#');
      if (at === -1) return chunk;
      block.stop(ending);
      return chunk.slice(0, at);
    },
    flush: () => '',
  }));

/** Holds one character. */
const holdOne = (name = 'hold'): BoundText =>
  step(name, () => {
    let held = '';
    return {
      text(chunk) {
        const all = held + chunk;
        held = all.slice(-1);
        return all.slice(0, -1);
      },
      flush() {
        const rest = held;
        held = '';
        return rest;
      },
    };
  });

const shout = step('shout', () => ({ text: (chunk) => chunk.toUpperCase(), flush: () => '' }));
const footer = (words: string, condition?: BoundText['endCondition']): BoundText => ({
  ...step('footer', () => ({ text: (chunk) => chunk, flush: () => '', close: () => words }), {
    actsAtEnd: true,
    channels: ['text'],
  }),
  ...(condition && { endCondition: condition }),
});

function play(steps: readonly BoundText[], events: readonly AnswerEvent[], choices = 1): StageOutput {
  const output = stageOutput(choices);
  const stage = new TextStage(steps, testRun().run, output);
  for (const event of events) stage.push(event);
  return output;
}

/** Events on one line each. */
const told = ({ left }: StageOutput): string[] =>
  left.map((event) => {
    const words = [event.type, 'blockId' in event ? event.blockId : '', `${event.choice ?? ''}`];
    if (event.type === 'text.delta') words.push(JSON.stringify(event.text));
    if (event.type === 'toolArgs.delta') words.push(event.json ?? '');
    if (event.type === 'finish') words.push(event.reason.unified, event.stopSequence ?? '');
    if (event.type === 'block.end' && event.incomplete === true) words.push('incomplete');
    if (event.type === 'stream.end') words.push(event.outcome);
    return words.filter((word) => word !== '').join(' ');
  });

describe('a modifier that ends the answer', () => {
  it('lets its text go, tells its message in it, and ends the stream', () => {
    const output = play(
      [stopAtHash({ reason: 'content_filter', message: ' [cut]' })],
      [start('t'), text('t', 'one'), text('t', ' two#three'), text('t', 'four'), end('t'), finish(), streamEnd],
    );
    expect(told(output)).toEqual([
      'block.start t',
      'text.delta t "one"',
      'text.delta t " two [cut]"',
      'block.end t incomplete',
      'finish content_filter',
      'stream.end blocked',
    ]);
    expect(output).toMatchObject({
      ended: 1,
      earlyEnds: [{ by: 'stop', choice: 0, ending: { reason: 'content_filter' } }],
    });
  });

  it('is followed by what those behind it hold, and they see its message', () => {
    const output = play(
      [stopAtHash({ reason: 'stop', stopSequence: '#', message: '!' }), holdOne(), shout],
      [start('t'), text('t', 'one'), text('t', 'two#three')],
    );
    expect(told(output)).toEqual([
      'block.start t',
      'text.delta t "ON"',
      'text.delta t "ETWO!"',
      'block.end t incomplete',
      'finish stop #',
      'stream.end ok',
    ]);
  });

  it('leaves what those before it hold', () => {
    const output = play(
      [holdOne(), stopAtHash({ reason: 'length' })],
      [start('t'), text('t', 'a#b'), end('t'), finish(), streamEnd],
    );
    expect(told(output).slice(1, 3)).toEqual(['text.delta t "a"', 'block.end t incomplete']);
  });

  it('in reasoning tells its message in a text of its own', () => {
    const output = play(
      [stopAtHash({ reason: 'content_filter', message: 'blocked' }), shout],
      [start('r', 'reasoning'), text('r', 'why#not')],
    );
    expect(told(output)).toEqual([
      'block.start r',
      'text.delta r "WHY"',
      'block.end r incomplete',
      'block.start stop-message-0',
      'text.delta stop-message-0 "BLOCKED"',
      'block.end stop-message-0',
      'finish content_filter',
      'stream.end blocked',
    ]);
  });

  it('in the arguments of a call lets nothing of them go behind it', () => {
    const output = play(
      [stopAtHash({ reason: 'content_filter' })],
      [start('c', 'tool_call', { name: 'f' }), json('c', '{"a":"x\\u0023y","b":'), json('c', '"z"}'), end('c')],
    );
    expect(told(output)).toEqual([
      'block.start c',
      'toolArgs.delta c {"a":"x',
      'block.end c incomplete',
      'finish content_filter',
      'stream.end blocked',
    ]);
  });

  it('ends one of several choices, and the stream with the last', () => {
    const of = (event: AnswerEvent): AnswerEvent => ({ ...event, choice: 1 });
    const output = play(
      [stopAtHash({ reason: 'length' })],
      [
        start('a'),
        of(start('b')),
        text('a', 'x#y'),
        of(text('b', 'one')),
        text('a', 'late'),
        end('a'),
        finish('stop', 0),
        of(text('b', ' two#')),
        of(end('b')),
        finish('stop', 1),
        streamEnd,
      ],
      2,
    );
    expect(told(output)).toEqual([
      'block.start a',
      'block.start b 1',
      'text.delta a "x"',
      'block.end a incomplete',
      'finish length',
      'text.delta b 1 "one"',
      'text.delta b 1 " two"',
      'block.end b 1 incomplete',
      'finish 1 length',
      'stream.end ok',
    ]);
    expect(output.ended).toBe(1);
  });
});

describe('a modifier that acts at the end', () => {
  it('puts its words behind the last text of a choice, when its end is known', () => {
    const events = [
      start('t'),
      text('t', 'one'),
      end('t'),
      start('u'),
      text('u', 'two'),
      end('u'),
      finish(),
      streamEnd,
    ];
    expect(told(play([footer(' bye')], events))).toEqual([
      'block.start t',
      'text.delta t "one"',
      'block.end t',
      'block.start u',
      'text.delta u "two"',
      'text.delta u " bye"',
      'block.end u',
      'finish stop',
      'stream.end ok',
    ]);
  });

  it('is seen by those behind it, and lets go what those before it held', () => {
    const output = play(
      [holdOne('before'), footer(' bye'), holdOne('behind'), shout],
      [start('t'), text('t', 'one'), end('t'), finish()],
    );
    expect(told(output)).toEqual([
      'block.start t',
      'text.delta t "O"',
      'text.delta t "N"',
      'text.delta t "E BYE"',
      'block.end t',
      'finish stop',
    ]);
  });

  it.each<readonly [string, readonly AnswerEvent[], readonly string[]]>([
    [
      'an answer without a text gets one',
      [finish('stop'), streamEnd],
      [
        'block.start text-at-end-0',
        'text.delta text-at-end-0 " bye"',
        'block.end text-at-end-0',
        'finish stop',
        'stream.end ok',
      ],
    ],
    [
      'one that ends in a call gets none',
      [
        start('t'),
        text('t', 'one'),
        start('c', 'tool_call'),
        json('c', '{}'),
        end('c'),
        end('t'),
        finish('tool_calls'),
      ],
      [
        'block.start t',
        'text.delta t "one"',
        'block.start c',
        'toolArgs.delta c {}',
        'block.end c',
        'block.end t',
        'finish tool_calls',
      ],
    ],
  ])('%s', (_name, events, expected) => {
    expect(told(play([footer(' bye')], events))).toEqual(expected);
  });

  it('acts only where its condition holds', () => {
    const atLength = footer(' bye', (reason) => reason === 'length');
    const events = (reason: 'stop' | 'length'): AnswerEvent[] => [
      start('t'),
      text('t', 'one'),
      end('t'),
      finish(reason),
    ];
    expect(told(play([atLength], events('stop'))).join()).not.toContain('bye');
    expect(told(play([atLength], events('length'))).join()).toContain('bye');
  });

  it('acts behind an early end', () => {
    const output = play([stopAtHash({ reason: 'length' }), footer(' bye')], [start('t'), text('t', 'one#')]);
    expect(told(output)[1]).toBe('text.delta t "one bye"');
  });
});

describe('the arguments of a call', () => {
  it('are rewritten string by string, and keys stay', () => {
    const output = play(
      [shout],
      [start('c', 'tool_call'), json('c', '{"key":"val'), json('c', 'ue","n":1,"l":["x\\u0079"]}'), end('c')],
    );
    expect(told(output)).toEqual([
      'block.start c',
      'toolArgs.delta c {"key":"VAL',
      'toolArgs.delta c UE","n":1,"l":["XY"]}',
      'block.end c',
    ]);
  });

  it('of a tool with an input of its own are a text', () => {
    const output = play([shout], [start('c', 'custom_tool_call'), json('c', 'say "hi"'), end('c')]);
    expect(told(output)[1]).toBe('toolArgs.delta c SAY "HI"');
  });
});

describe('text before a call', () => {
  it('leaves before the call begins', () => {
    const output = play(
      [holdOne()],
      [start('t'), text('t', 'one'), start('c', 'tool_call'), json('c', '{}'), text('t', 'two'), end('t'), end('c')],
    );
    expect(told(output).slice(0, 4)).toEqual([
      'block.start t',
      'text.delta t "on"',
      'text.delta t "e"',
      'block.start c',
    ]);
  });
});

describe('a stream that fails', () => {
  it('lets go what was held, as if it ended there', () => {
    const output = stageOutput();
    const stage = new TextStage([holdOne(), shout], testRun().run, output);
    for (const event of [start('t'), text('t', 'one')]) stage.push(event);
    stage.fail();
    expect(told(output)).toEqual(['block.start t', 'text.delta t "ON"', 'text.delta t "E"']);
  });
});
