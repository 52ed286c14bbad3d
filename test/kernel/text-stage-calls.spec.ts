import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  end,
  finish,
  holdsAll,
  json,
  patch,
  play,
  proof,
  start,
  step,
  stopsAt,
  text,
  told,
} from '../support/stage-steps.ts';

/* The arguments of calls in a stage, and what it knows of each text: whether it is the first, and what was counted. */

describe('the arguments of a call', () => {
  const mask = step(
    'mask',
    () => {
      let matches = 0;
      return {
        text: (chunk) => chunk.replaceAll('secret', () => ((matches += 1), '***')),
        flush: () => '',
        get matches() {
          return matches;
        },
      };
    },
    { guard: true },
  );
  const call = (...events: readonly AnswerEvent[]): AnswerEvent[] => [start('c', 'tool_call'), ...events, end('c')];

  it.each<readonly [string, AnswerEvent, unknown, number | undefined]>([
    ['a text', patch('$.a', 'a secret'), 'a ***', 1],
    ['a list', patch('$.a', ['secret', 1, { secret: 'no secret' }]), ['***', 1, { secret: 'no ***' }], 2],
    ['a number', patch('$.a', 7), 7, undefined],
  ])('that come by path are read: %s', (_what, event, value, count) => {
    const { left, stage } = play([mask], call(event));
    expect(left[1]).toMatchObject({ patch: { jsonPath: '$.a', value } });
    expect(left).toHaveLength(3);
    expect(stage.matches().get('mask')).toBe(count);
  });

  it('that come by path leave at their end, though nobody said that they are complete', () => {
    expect(told(play([holdsAll()], call(patch('$.a', 'one', true)))).slice(1)).toEqual([
      'c:{"jsonPath":"$.a","value":"one","more":true}',
      'end c',
    ]);
  });

  it('that come by path end with the answer', () => {
    const events = [start('c', 'tool_call'), patch('$.a', 'one#two'), patch('$.b', 'three'), end('c')];
    expect(told(play([stopsAt('#', { reason: 'length' })], events))).toEqual([
      'start c',
      'c:{"jsonPath":"$.a","value":"one"}',
      'cut c',
      'finish length',
      'ok',
    ]);
    const whole = [start('c', 'tool_call'), patch('$', { a: 'one#', b: 'two' }), end('c')];
    expect(told(play([stopsAt('#', { reason: 'length' })], whole))).toEqual([
      'start c',
      'cut c',
      'finish length',
      'ok',
    ]);
  });

  it.each<readonly [string, AnswerEvent, boolean]>([
    ['unchanged fragments', json('c', '{"a":"well"}'), true],
    ['changed fragments', json('c', '{"a":"secret"}'), false],
    ['an unchanged value by path', patch('$.a', 'well'), true],
    ['a changed value by path', patch('$.a', 'secret'), false],
  ])('keep their proof only as they were: %s', (_what, event, keeps) => {
    expect(play([mask], call(proof, event)).left.includes(proof)).toBe(keeps);
  });

  it('are cut in the middle of an escape, and nothing behind the end leaves', () => {
    const events = [
      start('c', 'tool_call'),
      json('c', '{"a":"x\\u00'),
      json('c', '23y","b":["z'),
      json('c', '"]}'),
      end('c'),
    ];
    expect(told(play([stopsAt('#', { reason: 'content_filter' })], events))).toEqual([
      'start c',
      'c:{"a":"x',
      'cut c',
      'finish content_filter',
      'blocked',
    ]);
  });
});

describe('the first text of a channel', () => {
  const firsts = (events: readonly AnswerEvent[]): string[] => {
    const seen: string[] = [];
    play(
      [
        step('notes', ({ channel, first }) => {
          seen.push(`${channel} ${first}`);
          return { text: (t) => t, flush: () => '' };
        }),
      ],
      events,
    );
    return seen;
  };

  it('is told once, though a call cuts it', () => {
    expect(
      firsts([
        start('t'),
        text('t', 'a'),
        start('c', 'tool_call'),
        end('c'),
        text('t', 'b'),
        end('t'),
        start('u'),
        end('u'),
      ]),
    ).toEqual(['text true', 'text false', 'text false']);
  });

  it('is not one that had no text', () => {
    expect(firsts([start('t'), end('t'), start('u'), text('u', 'a'), end('u'), start('v')])).toEqual([
      'text true',
      'text true',
      'text false',
    ]);
  });

  it('of arguments is the first string of a call', () => {
    expect(
      firsts([
        start('c', 'tool_call'),
        json('c', '{"a":"b","c":["d"]}'),
        end('c'),
        start('d', 'tool_call'),
        json('d', '"e"'),
      ]),
    ).toEqual(['toolArguments true', 'toolArguments false', 'toolArguments false']);
  });
});

describe('what is counted', () => {
  const counts = step('counts', () => {
    let matches = 0;
    return {
      text: (chunk) => ((matches += 1), chunk),
      flush: () => '',
      get matches() {
        return matches;
      },
    };
  });

  it('is kept over calls that cut a text, over its end, and over the end of the answer', () => {
    const { stage } = play(
      [counts],
      [
        start('t'),
        text('t', 'a'),
        start('c', 'tool_call'),
        json('c', '["x","y"]'),
        end('c'),
        text('t', 'b'),
        end('t'),
        finish(),
        start('u'),
        text('u', 'c'),
      ],
    );
    expect(stage.matches().get('counts')).toBe(5);
    stage.fail();
    expect(stage.matches().get('counts')).toBe(5);
  });
});
