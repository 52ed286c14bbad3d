import { describe, expect, it } from '@jest/globals';
import { AnswerChain } from '../../src/kernel/answer-chain.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { modifying } from '../support/bound-modifiers.ts';
import { testRun } from '../support/test-run.ts';
import {
  breaks,
  broken,
  end,
  finish,
  footer,
  holdsAll,
  json,
  play,
  shout,
  start,
  step,
  stopsAt,
  streamEnd,
  text,
  told,
} from '../support/stage-steps.ts';

/* What must not go wrong where texts run side by side, modifiers end an answer in the words of another, or fail. */

describe('texts side by side', () => {
  it('each end once, though both might be the last of their choice', () => {
    const events = [
      start('t'),
      start('u'),
      text('t', 'one'),
      end('t'),
      text('u', 'two'),
      end('u'),
      finish(),
      streamEnd,
    ];
    expect(told(play([footer('.')], events))).toEqual([
      'start t',
      'start u',
      't:one',
      'u:two',
      'end t',
      'u:.',
      'end u',
      'finish stop',
      'ok',
    ]);
  });

  it('one that waited for the end of its choice ends before an end in the other', () => {
    const events = [
      start('r', 'reasoning', 1),
      start('t', 'text', 1),
      text('t', 'one'),
      end('t'),
      text('r', 'two#'),
      streamEnd,
    ];
    expect(told(play([stopsAt('#', { reason: 'length' }), footer('.', 'footer')], events, 2))).toEqual([
      'start r',
      'start t',
      't:one',
      'r:two',
      'end t',
      'cut r',
      'start stop-message-1',
      'stop-message-1:.',
      'end stop-message-1',
      'finish1 length',
      'ok',
    ]);
  });

  it('of choices that nobody asked for end with the stream', () => {
    const events = [start('t'), start('u', 'text', 1), text('t', 'one#')];
    expect(told(play([stopsAt('#', { reason: 'stop' })], events))).toEqual([
      'start t',
      'start u',
      't:one',
      'cut t',
      'finish stop',
      'cut u',
      'ok',
    ]);
  });

  it('of a choice that has its finish, but is still open, are not cut by the end of another', () => {
    const events = [
      start('t'),
      start('u', 'text', 1),
      finish(1),
      text('t', 'one#'),
      text('u', 'two'),
      end('u'),
      streamEnd,
    ];
    expect(told(play([stopsAt('#', { reason: 'stop' })], events, 2))).toEqual([
      'start t',
      'start u',
      'finish1 stop',
      't:one',
      'cut t',
      'finish stop',
      'u:two',
      'end u',
      'ok',
    ]);
  });

  it('are blocked as a whole where one choice was', () => {
    const events = [start('t'), start('u', 'text', 1), text('t', '#'), end('u'), finish(1), streamEnd];
    expect(told(play([stopsAt('#', { reason: 'content_filter' })], events, 2)).at(-1)).toBe('blocked');
  });
});

describe('a finish before the end of a text', () => {
  it('comes behind what was held, with what acts at the end', () => {
    const events = [start('t'), text('t', 'one'), finish(), text('t', 'two'), end('t'), streamEnd];
    expect(told(play([holdsAll(), footer('.')], events))).toEqual([
      'start t',
      't:one.',
      'finish stop',
      't:two',
      'end t',
      'ok',
    ]);
  });

  it('does not let a text behind it pass unread, nor act at the end again', () => {
    const events = [
      start('t'),
      text('t', 'one'),
      end('t'),
      finish(),
      start('u'),
      text('u', 'two#'),
      text('u', 'no'),
      streamEnd,
    ];
    expect(told(play([stopsAt('#', { reason: 'content_filter' }), footer('.')], events))).toEqual([
      'start t',
      't:one',
      't:.',
      'end t',
      'finish stop',
      'start u',
      'u:two.',
      'cut u',
      'blocked',
    ]);
  });
});

describe('an end in what another end lets go', () => {
  const first = stopsAt('#', { reason: 'stop', message: ' bye' }, 'first');

  it.each([
    ['in one piece', ['a$b#c']],
    ['in two', ['a$b', '#c']],
  ])('is the one that counts, %s', (_cuts, pieces) => {
    const output = play(
      [first, stopsAt('$', { reason: 'content_filter', message: '!' }, 'second'), shout],
      [start('t'), ...pieces.map((piece) => text('t', piece))],
    );
    expect(output.left.flatMap((event) => (event.type === 'text.delta' ? event.text : '')).join('')).toBe('A!');
    expect(output.earlyEnds).toEqual([
      { by: 'second', choice: 0, ending: expect.objectContaining({ reason: 'content_filter' }) },
    ]);
  });

  it('is seen in a message beside the text, too', () => {
    const output = play(
      [first, stopsAt('y', { reason: 'content_filter' }, 'second')],
      [start('r', 'reasoning'), text('r', 'who?#')],
    );
    expect(output.earlyEnds.map(({ by }) => by)).toEqual(['second']);
    expect(told(output)).toContain('second-message-0: b');
  });
});

describe('what acts at the end', () => {
  it('acts once, where a step on events stands between two of it', () => {
    const left: AnswerEvent[] = [];
    const passes = modifying('passes', (event, emit) => emit(event));
    const chain = new AnswerChain([footer('1'), passes, footer('2')], testRun().run, (event) => void left.push(event), {
      choices: 1,
      onEnded: () => undefined,
      onPause: () => undefined,
      onResumed: () => undefined,
      onFailure: () => undefined,
    });
    for (const event of [finish(), streamEnd]) chain.push(event);
    const id = 'text-at-end-0';
    expect(told({ left })).toEqual([`start ${id}`, `${id}:1`, `${id}:2`, `end ${id}`, 'finish stop', 'ok']);
  });

  it('does not lose what is held behind one that is left out', () => {
    const failing = step(
      'failing',
      () => ({
        text: (chunk) => chunk,
        flush: () => {
          throw broken;
        },
        close: () => '',
      }),
      {
        actsAtEnd: true,
        onError: 'skip',
      },
    );
    const output = play([failing, holdsAll(), footer('.'), shout], [start('t'), text('t', 'one'), end('t'), finish()]);
    expect(told(output)).toEqual(['start t', 't:ONE.', 'end t', 'finish stop']);
  });

  it('does not let a step see an empty text that nobody wrote', () => {
    const strict = step('strict', (block) => {
      let isEmpty = true;
      return {
        text(chunk) {
          isEmpty = false;
          return chunk;
        },
        flush() {
          if (isEmpty) block.stop({ reason: 'content_filter' });
          return '';
        },
      };
    });
    expect(told(play([strict, footer('.')], [finish()]))).toEqual([
      'start text-at-end-0',
      'text-at-end-0:.',
      'end text-at-end-0',
      'finish stop',
    ]);
  });
});

describe('a modifier that may be left out', () => {
  it.each(['open', 'text', 'flush'] as const)('and fails at %s is left out of the run, and told once', (place) => {
    const fields = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'value']));
    const { run, left } = play(
      [breaks('mine', place)],
      [start('c', 'tool_call'), json('c', JSON.stringify(fields)), end('c'), start('t'), text('t', 'one'), end('t')],
    );
    expect([run.log.lines.length, run.meter.value('modifiers_skipped')]).toEqual([1, 1]);
    expect(told({ left })).toContain('t:one');
  });

  it('does not end the answer in a call that fails, nor show a text twice', () => {
    const failing = step(
      'failing',
      (block) => ({
        text() {
          block.stop({ reason: 'length' });
          throw broken;
        },
        flush: () => '',
      }),
      { onError: 'skip' },
    );
    const doubled = step('doubled', () => ({ text: (chunk) => `${chunk}${chunk}`, flush: () => '' }));
    expect(told(play([doubled, failing], [start('t'), text('t', 'x'), end('t'), finish()]))).toEqual([
      'start t',
      't:xx',
      'end t',
      'finish stop',
    ]);
  });
});

describe('a guard that fails', () => {
  it.each(['text', 'flush'] as const)(
    'at %s lets nothing go that it held, whatever the failure says of itself',
    (place) => {
      const upstream = new SluiceError('UPSTREAM_RESET');
      const guard = step(
        'guard',
        () => {
          let held = '';
          return {
            text(chunk) {
              held += chunk;
              if (place === 'text' && held.length > 3) throw upstream;
              return '';
            },
            flush() {
              if (place === 'flush' && held !== '') throw upstream;
              return held;
            },
          };
        },
        { guard: true },
      );
      const output = play([guard], [start('t'), text('t', 'abc')]);
      expect(() => [text('t', 'd'), end('t')].forEach((event) => output.stage.push(event))).toThrow(upstream);
      output.stage.fail();
      output.stage.push(text('t', 'more'));
      expect(told(output)).toEqual(['start t']);
    },
  );
});
