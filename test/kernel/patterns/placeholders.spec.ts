import { describe, expect, it } from '@jest/globals';
import {
  createRestorer,
  findVault,
  maxHidden,
  maxPlaceholderLength,
  PlaceholderVault,
  vaultOf,
} from '../../../src/kernel/patterns/placeholders.ts';
import { StepRun } from '../../../src/kernel/step-run.ts';
import { testRun } from '../../support/test-run.ts';

describe('a vault', () => {
  it('gives the same value the same placeholder, and numbers each label by itself', () => {
    const vault = new PlaceholderVault();
    expect([
      vault.hide('EMAIL', 'a@b.cc'),
      vault.hide('PHONE', '+1'),
      vault.hide('EMAIL', 'c@d.ee'),
      vault.hide('EMAIL', 'a@b.cc'),
      vault.hide('PHONE', 'a@b.cc'),
    ]).toEqual(['<EMAIL_1>', '<PHONE_1>', '<EMAIL_2>', '<EMAIL_1>', '<EMAIL_1>']);
    expect(vault.original('<EMAIL_2>')).toBe('c@d.ee');
    expect(vault.original('<EMAIL_3>')).toBeUndefined();
    expect(vault.size).toBe(3);
  });

  it('leaves out what is taken', () => {
    const vault = new PlaceholderVault();
    vault.reserve('<EMAIL_1>, <EMAIL_3> <email_4> <<EMAIL_5>>');
    expect(['a', 'b', 'c', 'd'].map((value) => vault.hide('EMAIL', value))).toEqual([
      '<EMAIL_2>',
      '<EMAIL_4>',
      '<EMAIL_6>',
      '<EMAIL_7>',
    ]);
  });

  it('takes a known number of values, and names none of them in its error', () => {
    const vault = new PlaceholderVault();
    let longest = '';
    for (let number = 0; number < maxHidden; number += 1) longest = vault.hide('L'.repeat(63), `value ${number}`);
    expect(longest.length).toBe(maxPlaceholderLength);
    expect(() => vault.hide('EMAIL', 'ann@example.com')).toThrow(
      expect.objectContaining({ code: 'PROCESSOR_FLOOD', message: expect.not.stringContaining('ann') }),
    );
    expect(vault.hide('EMAIL', 'value 0')).toContain('_1>');
  });

  it('belongs to a run, however its steps see it', () => {
    const { run } = testRun();
    expect(findVault(run)).toBeUndefined();
    const vault = vaultOf(new StepRun(run, () => run.signal));
    expect([vaultOf(run), findVault(run)]).toEqual([vault, vault]);
    expect(findVault(testRun().run)).toBeUndefined();
  });
});

describe('a restorer', () => {
  function restorerOf(...values: string[]) {
    const { run } = testRun();
    for (const value of values) vaultOf(run).hide('EMAIL', value);
    return createRestorer(run);
  }

  it('gives back the very text in a run that hid nothing', () => {
    const text = 'a <EMAIL_1> b';
    for (const restorer of [createRestorer(testRun().run), restorerOf()]) {
      expect(restorer.text(text)).toBe(text);
      expect(restorer.text('<')).toBe('<');
      expect(restorer.flush()).toBe('');
    }
  });

  it.each<[name: string, pieces: string[], left: string[]]>([
    ['whole', ['to <EMAIL_1>!'], ['to one!', '']],
    ['cut', ['to <EM', 'AIL_', '2', '>', '!'], ['to ', '', '', 'two', '!', '']],
    ['by character', [...'<EMAIL_1>'], ['', '', '', '', '', '', '', '', 'one', '']],
    ['unknown', ['<EMAIL_3>', ' <EMAIL_12>'], ['<EMAIL_3>', ' <EMAIL_12>', '']],
    ['begun again', ['<EMAIL_<EMA', '<EMAIL_1>'], ['<EMAIL_', '<EMAone', '']],
    ['cut off', ['<EMAIL_1'], ['', '<EMAIL_1']],
    ['in other brackets', ['<<EMAIL_1>>'], ['<one>', '']],
    ['side by side', ['<EMAIL_1><EMAIL_2><EMAIL_1>'], ['onetwoone', '']],
    ['in other spelling', ['<email_1> < EMAIL_1> EMAIL_1'], ['<email_1> < EMAIL_1> EMAIL_1', '']],
  ])('puts back what is %s', (_name, pieces, left) => {
    const restorer = restorerOf('one', 'two');
    expect([...pieces.map((piece) => restorer.text(piece)), restorer.flush()]).toEqual(left);
  });

  it('never looks at what it has put back', () => {
    expect(restorerOf('<EMAIL_2>', 'two').text('<EMAIL_1>')).toBe('<EMAIL_2>');
  });

  it('counts what it has put back', () => {
    const restorer = restorerOf('one');
    restorer.text('<EMAIL_1> <EMAIL_2> <EMA');
    restorer.text('IL_1>');
    expect(restorer.matches).toBe(2);
  });

  it('takes a megabyte of beginnings', () => {
    const restorer = restorerOf('one');
    const text = '<EMAIL_'.repeat(150_000);
    expect(restorer.text(text) + restorer.flush()).toBe(text);
  });
});
