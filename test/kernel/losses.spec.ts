import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { RunOfRequest } from '../../src/compile/run-of-request.ts';
import { blockKinds } from '../../src/kernel/event.ts';
import { lossOfBlock, lossOfField, losses } from '../../src/kernel/losses.ts';
import { anonymousCaller } from '../../src/kernel/run.ts';
import { testRun } from '../support/test-run.ts';

const names = Object.keys(losses);

describe('the names of losses', () => {
  it.each(Object.entries(losses))('%s is a token of a header, in snake case, with one sentence', (name, meaning) => {
    expect(name).toMatch(/^(?:request|answer)\.[a-z_]+(?:\.[a-z]+)?$/);
    expect(meaning).toMatch(/^[A-Z].*[a-z]\.$/);
    expect(meaning.length).toBeLessThanOrEqual(110);
  });

  /** Names that nobody can say any more would stay in the documentation for ever. */
  it('are all in use', () => {
    const source = filesBelow(new URL('../../src/', import.meta.url).pathname)
      .filter((file) => !file.endsWith('/losses.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    const table = readFileSync(new URL('../../src/kernel/losses.ts', import.meta.url), 'utf8');
    const isSaid = (name: string): boolean => {
      const [, rest = ''] = /^\w+\.(.*)$/.exec(name) ?? [];
      return [name, rest].some((word) => source.includes(`'${word}'`)) || table.split(`'${name}'`).length > 2;
    };
    expect(names.filter((name) => !isSaid(name))).toEqual([]);
  });

  it('of fields are those of the setting, whatever the format calls it', () => {
    expect(['max_tokens', 'max_completion_tokens', 'n', 'stop_sequences', 'tool_choice'].map(lossOfField)).toEqual([
      'request.max_output_tokens',
      'request.max_output_tokens',
      'request.choices',
      'request.stop',
      'request.tool_choice',
    ]);
    expect(['logit_bias', 'reasoning', 'tools', 'constructor', '__proto__'].map(lossOfField)).toEqual([
      'request.field.logit_bias',
      'request.field.reasoning',
      'request.field.tools',
      'request.field.constructor',
      'request.field.__proto__',
    ]);
  });

  it.each(blockKinds)('say what is lost with a block of the kind %s', (kind) => {
    expect(names).toContain(lossOfBlock(kind));
  });

  it('stay tokens and short, whatever a client calls its fields', () => {
    const { run } = testRun();
    const real = new RunOfRequest({ ...run, caller: anonymousCaller, onProgress: () => undefined });
    for (const field of [
      'a\r\nx-evil: 1',
      'ü',
      '"quoted"',
      ' ',
      '',
      'x'.repeat(1_000),
      ...Array.from({ length: 200 }, (_, n) => `f${n}`),
    ])
      real.lose(lossOfField(field));
    expect(real.lost.length).toBeLessThanOrEqual(64);
    for (const name of real.lost) expect(name).toMatch(/^request\.field\.[\w.[\]-]{0,66}$/);
  });
});

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}
