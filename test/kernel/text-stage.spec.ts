import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ReadModifier, TextModifier, TextRewriter } from '../../src/kernel/modifier.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { TextStage } from '../../src/kernel/text-stage.ts';
import { maskStep, readStep, textStep } from '../support/bound-modifiers.ts';
import { stageOutput } from '../support/stage-owner.ts';
import { testRun, type TestRun } from '../support/test-run.ts';

type Bounds = readonly Bound<ReadModifier | TextModifier>[];

const blockId = 'b0';
const role = 'assistant' as const;
const text = (piece: string): AnswerEvent => ({ type: 'text.delta', blockId, role, text: piece });
const start = (kind: BlockKind = 'text'): AnswerEvent => ({ type: 'block.start', blockId, kind, role });
const signature: AnswerEvent = { type: 'reasoning.signature', blockId, value: 'proof' };
const end: AnswerEvent = { type: 'block.end', blockId };
const broken = new Error('broken');

interface Played extends TestRun {
  readonly stage: TextStage;
  readonly left: readonly AnswerEvent[];
}

function play(modifiers: Bounds, events: readonly AnswerEvent[]): Played {
  const run = testRun();
  const output = stageOutput();
  const stage = new TextStage(modifiers, run.run, output);
  for (const event of events) stage.push(event);
  return { ...run, stage, left: output.left };
}

const textOf = (events: readonly AnswerEvent[]): string =>
  events.map((event) => (event.type === 'text.delta' ? event.text : '')).join('');
const typesOf = (events: readonly AnswerEvent[]): readonly string[] => events.map(({ type }) => type);

function failureOf(call: () => unknown): SluiceError {
  try {
    call();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('It did not fail.');
}

/** Holds as many characters as it is told, in turn, and may change one piece. */
function holding(holds: readonly number[], changesAt = -1): TextRewriter {
  let held = '';
  let turn = 0;
  return {
    text(chunk) {
      held += turn === changesAt ? chunk.toUpperCase() : chunk;
      const left = held.slice(0, Math.max(0, held.length - (holds[turn % holds.length] ?? 0)));
      turn += 1;
      held = held.slice(left.length);
      return left;
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

describe('the proof of a reasoning', () => {
  it.each<readonly [pieces: readonly string[], words: readonly string[], proof: boolean]>([
    [['all is well'], ['secret'], true],
    [['sec', 'ond thoughts'], ['secret'], true],
    [['a sec'], ['secret'], true],
    [['s', 'e', 'c', 'r', 'e', 's'], ['secret'], true],
    [['sec', 'ret plans'], ['secret'], false],
    [['the secret'], ['secret'], false],
    [['secret', ' or not'], ['secret'], false],
    [['not', ' the secret'], ['secret'], false],
    [[], ['secret'], true],
  ])('of %j with the words %j: leaves is %p', (pieces, words, leaves) => {
    const { left } = play([maskStep(words)], [start('reasoning'), ...pieces.map(text), signature, end]);
    expect(left.filter((event) => event === signature).length).toBe(leaves ? 1 : 0);
    expect(typesOf(left).at(-1)).toBe('block.end');
  });

  it('leaves behind its text, though it came before the end of it', () => {
    const { left } = play([maskStep(['secret'])], [start('reasoning'), text('a sec'), signature, text('ond'), end]);
    expect(left.slice(-2)).toEqual([signature, end]);
    expect(textOf(left)).toBe('a second');
  });

  it('leaves at once where nobody reads the block', () => {
    const { left } = play([maskStep(['secret'])], [start('reasoning_redacted'), signature]);
    expect(left).toEqual([start('reasoning_redacted'), signature]);
  });

  it('leaves exactly when the text is the same, whoever holds what', () => {
    const plans = fc.record({
      pieces: fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 4 }), { maxLength: 8 }),
      holders: fc.array(
        fc.tuple(fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }), fc.integer({ min: -1, max: 8 })),
        { minLength: 1, maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(plans, ({ pieces, holders }) => {
        const steps = holders.map(([holds, changesAt], index) =>
          textStep(`s${index}`, () => holding(holds, changesAt)),
        );
        const { left } = play(steps, [start('reasoning'), ...pieces.map(text), signature, end]);
        const isSame = textOf(left) === pieces.join('');
        expect(left.includes(signature)).toBe(isSame);
      }),
    );
  });
});

describe('what is said of a text beside it', () => {
  const logprobs = { content: [{ token: 't' }] };

  it('stays with a piece that is unchanged', () => {
    const event: AnswerEvent = { type: 'text.delta', blockId, role, text: 'well', logprobs };
    expect(play([maskStep(['secret'])], [start(), event]).left[1]).toBe(event);
  });

  it('stays behind with the text that it is about', () => {
    const event: AnswerEvent = { type: 'text.delta', blockId, role, text: 'a secret.', logprobs };
    const whole: AnswerEvent = { type: 'block.end', blockId, final: 'a secret.' };
    expect(play([maskStep(['secret'])], [start(), event, whole]).left).toEqual([start(), text('a ***.'), end]);
  });

  it('and the whole at the end stays where nothing was changed', () => {
    const whole: AnswerEvent = { type: 'block.end', blockId, final: 'a sec' };
    expect(play([maskStep(['secret'])], [start(), text('a sec'), whole]).left.at(-1)).toBe(whole);
  });
});

describe('a modifier that can not be opened', () => {
  const unopened = (step: object): Bounds[number] =>
    textStep(
      'mine',
      () => {
        throw broken;
      },
      step,
    );
  const unread = (step: object): Bounds[number] =>
    readStep(
      'mine',
      () => {
        throw broken;
      },
      step,
    );

  for (const [what, make] of Object.entries({ rewriter: unopened, reader: unread })) {
    it.each([[{}], [{ guard: true }], [{ guard: true, onError: 'skip' }]])(
      `fails the run and is named: ${what} %j`,
      (step) => {
        const failure = failureOf(() => play([make(step)], [start(), text('a')]));
        expect(failure).toMatchObject({ code: 'MODIFIER_FAILED', context: { modifier: 'mine' }, cause: broken });
      },
    );

    it(`is left out where the author said so: ${what}`, () => {
      const { left, meter, log } = play(
        [make({ onError: 'skip' }), maskStep(['secret'])],
        [start(), text('the secret'), end],
      );
      expect(textOf(left)).toBe('the ***');
      expect(meter.value('modifiers_skipped')).toBe(1);
      expect(log.lines.map(({ fields }) => fields['modifier'])).toEqual(['mine']);
    });
  }
});

describe('a modifier that fails', () => {
  const failsAt = (place: 'text' | 'flush', step: object): Bounds[number] =>
    textStep(
      'mine',
      () => {
        const fail = (): never => {
          throw broken;
        };
        return { text: place === 'text' ? fail : (chunk) => chunk, flush: place === 'flush' ? fail : () => '' };
      },
      step,
    );

  it.each(['text', 'flush'] as const)(
    'is left out at %s where the author said so, and a guard behind it goes on',
    (place) => {
      const { left, meter } = play(
        [failsAt(place, { onError: 'skip' }), maskStep(['secret'])],
        [start(), text('the sec'), text('ret'), end],
      );
      expect([textOf(left), meter.value('modifiers_skipped')]).toEqual(['the ***', 1]);
    },
  );

  it.each([
    ['text', {}],
    ['flush', {}],
    ['text', { guard: true, onError: 'skip' }],
    ['flush', { guard: true, onError: 'skip' }],
  ] as const)('fails the run at %s and is named: %j', (place, step) => {
    const failure = failureOf(() => play([failsAt(place, step)], [start(), text('a'), end]));
    expect(failure).toMatchObject({ code: 'MODIFIER_FAILED', context: { modifier: 'mine' } });
  });

  it.each([[undefined], [null], [7], [['a']], [Promise.resolve('a')]])(
    'by giving %p for a text fails closed',
    (result) => {
      const bad = textStep('mine', () => ({ text: () => result as unknown as string, flush: () => '' }));
      expect(failureOf(() => play([bad], [start(), text('a')]))).toMatchObject({ code: 'MODIFIER_FAILED' });
    },
  );
});

describe('what is counted', () => {
  it('is the sum over all blocks, open ones too', () => {
    const other = { blockId: 'b1' };
    const { stage } = play(
      [maskStep(['secret']), textStep('silent', () => holding([0]))],
      [
        start(),
        text('secret secret'),
        end,
        { ...start(), ...other } as AnswerEvent,
        { ...text('secret'), ...other } as AnswerEvent,
      ],
    );
    expect([...stage.matches()]).toEqual([
      ['mask', 3],
      ['silent', undefined],
    ]);
  });

  it('is the failure of the one whose count can not be read', () => {
    const secretive = textStep('mine', () => ({
      text: (chunk) => chunk,
      flush: () => '',
      get matches(): number {
        throw broken;
      },
    }));
    const { stage } = play([maskStep(['secret']), secretive], [start(), text('a'), end]);
    expect(failureOf(() => stage.matches())).toMatchObject({
      code: 'MODIFIER_FAILED',
      context: { modifier: 'mine' },
      cause: broken,
    });
  });
});
