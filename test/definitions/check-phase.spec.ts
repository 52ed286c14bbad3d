import { beforeAll, describe, expect, it } from '@jest/globals';
import { checkCondition } from '../../src/compile/conditions.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { productRegistry } from '../support/sluice.ts';
import { findings, minimal, resolved } from './check-support.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await productRegistry();
});

const notice = { type: 'insert', config: { text: 'Answers may be wrong.' } };
const mask = { type: 'mask-words', config: { words: ['secret'] } };
const finished = "response.finishReason == 'stop'";

function about(step: object, resources: Readonly<Record<string, unknown>> = {}): string[] {
  return findings({ ...minimal, modifiers: [step] }, { resources, context: { registry, checkCondition } });
}

describe('the phase of a step', () => {
  it('is the stream unless the definition says otherwise', () => {
    const { modifiers } = resolved(
      { ...minimal, modifiers: [notice, { ...notice, name: 'last', phase: 'end' }, { ...mask, phase: 'stream' }] },
      { context: { registry, checkCondition } },
    );
    expect(modifiers.map(({ phase }) => phase)).toEqual(['stream', 'end', 'stream']);
  });

  it('is that of the shared step', () => {
    const { modifiers } = resolved(
      { ...minimal, modifiers: ['notice'] },
      {
        resources: { 'modifier/notice': { ...notice, phase: 'end', when: finished } },
        context: { registry, checkCondition },
      },
    );
    expect(modifiers).toMatchObject([{ name: 'notice', phase: 'end', when: finished }]);
  });

  it.each<readonly [string, object, readonly string[]]>([
    ['end, for a component that acts at the end', { ...notice, phase: 'end' }, []],
    ['end, and why it ended', { ...notice, phase: 'end', when: finished }, []],
    ['end, and what is known before', { ...notice, phase: 'end', when: "response.model != 'small'" }, []],
    [
      'end, for a component that does not',
      { ...mask, phase: 'end' },
      ['phase.unsupported  "mask-words" does not act at the end of an answer; these do: insert'],
    ],
    ['a word that is none', { ...notice, phase: 'start' }, ['schema.enum']],
    [
      'stream, and why it ended',
      { ...notice, when: finished },
      ['condition.phase  "response.finishReason" is not known yet'],
    ],
    ['stream, in words', { ...notice, phase: 'stream', when: finished }, ['condition.phase']],
    [
      'end for a component that does not, and why it ended: one mistake is told',
      { ...mask, phase: 'end', when: finished },
      ['phase.unsupported'],
    ],
  ])('%s', (_name, step, expected) => {
    const lines = about(step);
    expect(lines).toHaveLength(expected.length);
    for (const [index, part] of expected.entries()) expect(lines[index]).toContain(part);
  });

  it('is pointed at, with the place in the text', () => {
    const text = JSON.stringify({ ...minimal, modifiers: [{ ...mask, phase: 'end' }] }, undefined, 1);
    const line = text.slice(0, text.indexOf('"phase"')).split('\n').length;
    expect(findings(text, { context: { registry } })[0]).toMatch(
      new RegExp(`^support\\.json:${line}:13  error  phase\\.unsupported  `),
    );
  });

  it('is a mistake of the shared step, in its own file', () => {
    expect(about('notice' as unknown as object, { 'modifier/notice': { ...mask, phase: 'end' } })).toEqual([
      expect.stringMatching(/^resources\/modifier\/notice\.json:1:\d+ {2}error {2}phase\.unsupported/),
    ]);
  });

  it('is for modifiers only', () => {
    const definition = {
      ...minimal,
      processors: [{ type: 'sensitive-words', phase: 'end', config: { words: ['a'] } }],
    };
    expect(findings(definition, { context: { registry, checkCondition } })).toEqual([
      expect.stringContaining('schema.unknownKey  unknown key "phase"'),
    ]);
  });
});
