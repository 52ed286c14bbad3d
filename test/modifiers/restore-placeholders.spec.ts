import { describe, expect, it } from '@jest/globals';
import type { TextModifier } from '../../src/kernel/modifier.ts';
import { restorePlaceholders } from '../../src/modifiers/restore-placeholders.ts';
import { patterns } from '../../src/processors/patterns.ts';
import { buildConfig, createInstance } from '../support/component-instance.ts';
import { runPieces } from '../support/law.ts';
import { say } from '../support/processor-steps.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

const { capabilities } = testRun();
const modifier = createInstance(restorePlaceholders, {}, capabilities) as TextModifier;

/** A run that hid what is in the text. */
function runThatHid(text: string) {
  const { run } = testRun();
  const processor = createInstance(patterns, { patterns: ['email', 'phone'], action: 'placeholder' }, capabilities);
  void processor.processRequest?.(say(text), { push: () => undefined, answer: () => undefined }, run);
  return run;
}

describe('restore-placeholders', () => {
  it('puts back what the processor hid', () => {
    const run = runThatHid('I am ann@example.com, +49 30 1234567.');
    const rewriter = modifier.open(run, textBlock());
    expect(runPieces(rewriter, ['Dear <EMAIL', '_1>, I call <PHONE_1', '>. <EMAIL_2>'])).toEqual(
      ['Dear ', 'ann@example.com, I call ', '+49 30 1234567. ', '<EMAIL_2>'].toSpliced(
        2,
        2,
        '+49 30 1234567. <EMAIL_2>',
        '',
      ),
    );
    expect(rewriter.matches).toBe(2);
  });

  it('keeps runs apart', () => {
    const [one, other] = ['ann@example.com', 'bob@example.com'].map(runThatHid);
    const text = '<EMAIL_1>';
    expect([one, other].map((run) => (run === undefined ? '' : modifier.open(run, textBlock()).text(text)))).toEqual([
      'ann@example.com',
      'bob@example.com',
    ]);
  });

  it('costs nothing in a run that hid nothing', () => {
    const run = runThatHid('nobody');
    expect(modifier.open(run, textBlock())).toBe(modifier.open(testRun().run, textBlock()));
  });

  it('says what the plan asks', () => {
    expect(modifier).toMatchObject({
      effect: 'text',
      channels: ['text', 'reasoning', 'refusal', 'toolArguments'],
      policy: { mode: 'window', maxHeldCharacters: 70 },
      rewrites: { restores: true },
    });
    expect(restorePlaceholders.guard).toBe(false);
    expect(buildConfig(restorePlaceholders, { channels: [] }).mistakes).not.toEqual([]);
  });
});
