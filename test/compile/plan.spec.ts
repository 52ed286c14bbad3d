import { describe, expect, it } from '@jest/globals';
import { checkPlan, describePlan, planOf, type PlannedModifier } from '../../src/compile/plan.ts';
import type { Channel, Modifier, RewriteNote, StreamPolicy, TextModifier } from '../../src/kernel/modifier.ts';

interface Step {
  readonly name?: string;
  readonly guard?: boolean;
  readonly effect?: Modifier['effect'];
  readonly policy?: StreamPolicy;
  readonly channels?: readonly Channel[];
  readonly rewrites?: RewriteNote;
  readonly rewrite?: (text: string) => string;
}

/** A step of a pipeline, with as much of a modifier as a plan looks at. */
function step(given: Step, index = 0): PlannedModifier {
  const { name = `step-${index}`, guard = false, effect = 'text', policy = { mode: 'live' } } = given;
  const { channels = ['text'], rewrites, rewrite = (text) => text } = given;
  const open: TextModifier['open'] = () => ({ text: rewrite, flush: () => '' });
  const modifier = { effect, policy, channels, open, ...(rewrites && { rewrites }) } as unknown as Modifier;
  const resolved = { type: 'mine', phase: 'stream', pointer: `/modifiers/${index}`, file: 'p.json' };
  return { name, guard, onError: 'fail', modifier, resolved: resolved as PlannedModifier['resolved'] };
}

const window = (maxHeldCharacters: number): StreamPolicy => ({ mode: 'window', maxHeldCharacters });

describe('what a chain holds back', () => {
  it.each<readonly [string, readonly Step[], string, number | 'whole']>([
    ['nothing without modifiers', [], 'pass', 0],
    ['nothing while they only read', [{ effect: 'read' }], 'scan', 0],
    ['the sum of the windows', [{ policy: window(7) }, { effect: 'read' }, { policy: window(5) }], 'splice', 12],
    [
      'the most of any channel',
      [{ policy: window(7) }, { policy: window(5), channels: ['reasoning'] }, { policy: window(2) }],
      'splice',
      9,
    ],
    [
      'everything where one wants the whole',
      [{ policy: window(7) }, { effect: 'events', policy: { mode: 'buffer' } }],
      'events',
      'whole',
    ],
  ])('is %s', (_name, steps, mode, maxHeldCharacters) => {
    expect(planOf(steps.map(step))).toMatchObject({ mode, maxHeldCharacters });
  });

  it('is told on one line', () => {
    const plan = planOf([step({ name: 'mask', policy: window(7) }), step({ name: 'tidy' })]);
    expect(describePlan(plan)).toBe('splice; holds 7; mask: window 7, tidy: live');
    expect(describePlan(planOf([]))).toBe('pass; holds 0');
  });
});

describe('steps that work against each other', () => {
  const masks = { name: 'mask', guard: true, rewrite: (text: string) => text.replaceAll('secret', '***') };
  const finds = { name: 'swap', rewrites: { samples: ['a secret', 'other'] } };
  const restores = { name: 'restore', rewrites: { samples: ['<EMAIL_1>'], restores: true } };

  it.each<readonly [string, readonly Step[], readonly string[]]>([
    ['none', [finds, masks], []],
    [
      'a step that never sees what it looks for',
      [masks, finds],
      [
        '/modifiers/1 plan.rewritten-twice: "mask" (/modifiers/0) rewrites what "swap" (/modifiers/1) looks for, such as "a secret", so the later one never sees it',
      ],
    ],
    ['none on channels of their own', [masks, { ...finds, channels: ['reasoning'] }], []],
    [
      'text that is put back behind a mask',
      [masks, restores],
      [
        '/modifiers/1 plan.restored-unread: "restore" (/modifiers/1) puts text back behind "mask" (/modifiers/0), which protects and does not see it; put the one that restores in front',
      ],
    ],
    ['none where the mask comes last', [restores, masks], []],
  ])('%s', (_name, steps, expected) => {
    const findings = checkPlan('p.json', steps.map(step));
    expect(findings.map(({ pointer, code, message }) => `${pointer} ${code}: ${message}`)).toEqual(expected);
    expect(findings.every(({ severity, file }) => severity === 'warning' && file === 'p.json')).toBe(true);
  });
});
