import { describe, expect, it } from '@jest/globals';
import type { RunRecord } from '../../src/cli/run-log.ts';
import { alignRows, runRows, runSummary, type TableSteps } from '../../src/cli/run-table.ts';

const step = (name: string, type: string, more: object = {}): object => ({ name, type, ...more });

/** Of a resolved definition only what the table looks at. */
const steps = {
  processors: [step('no-passwords', 'sensitive-words'), step('limit', 'max-characters')],
  modifiers: [
    step('mask-secrets', 'mask-words'),
    step('dashes', 'dash'),
    step('on-demand', 'dash', { when: "response.model == 'big'" }),
  ],
  backends: new Map([
    ['gpt', step('gpt', 'openai-chat', { config: { model: 'gpt-5-mini' } })],
    ['played', step('played', 'openai-chat', { config: { model: 'demo' }, upstream: { script: [] } })],
  ]),
} as unknown as TableSteps;

const complete: RunRecord = {
  backend: 'gpt',
  outcome: 'ok',
  firstContentMilliseconds: 12,
  steps: { 'no-passwords': 'changed', limit: 'unchanged', 'mask-secrets': 2, dashes: 0 },
};

describe('the table of a run', () => {
  it.each<readonly [what: string, record: RunRecord, lines: readonly string[]]>([
    [
      'complete',
      complete,
      [
        'request  no-passwords  sensitive-words  changed the request',
        'request  limit         max-characters   left the request as it was',
        'backend  gpt           openai-chat      gpt-5-mini',
        'answer   mask-secrets  mask-words       masked 2',
        'answer   dashes        dash             changed nothing',
        'answer   on-demand     dash             left out by its condition',
      ],
    ],
    [
      'played from a script',
      {
        ...complete,
        backend: 'played',
        steps: { 'no-passwords': 'left-out', limit: 'changed', 'mask-secrets': 0, dashes: 'ran', 'on-demand': 7 },
      },
      [
        'request  no-passwords  sensitive-words  left out by its condition',
        'request  limit         max-characters   changed the request',
        'backend  played        openai-chat      demo, played from a script',
        'answer   mask-secrets  mask-words       masked nothing',
        'answer   dashes        dash             ran',
        'answer   on-demand     dash             changed 7',
      ],
    ],
    [
      'answered by a processor',
      { ...complete, steps: { 'no-passwords': 'answered' } },
      [
        'request  no-passwords  sensitive-words  answered by itself',
        'request  limit         max-characters   not reached',
        'answer   mask-secrets  mask-words       no report',
        'answer   dashes        dash             no report',
        'answer   on-demand     dash             left out by its condition',
      ],
    ],
    [
      'blocked by a processor',
      { backend: 'gpt', outcome: 'error', code: 'REQUEST_BLOCKED', steps: {} },
      [
        'request  no-passwords  sensitive-words  ended the run: REQUEST_BLOCKED',
        'request  limit         max-characters   not reached',
      ],
    ],
    [
      'failed at the provider',
      {
        backend: 'gpt',
        outcome: 'error',
        code: 'UPSTREAM_DNS',
        steps: { 'no-passwords': 'unchanged', limit: 'changed' },
      },
      [
        'request  no-passwords  sensitive-words  left the request as it was',
        'request  limit         max-characters   changed the request',
        'backend  gpt           openai-chat      gpt-5-mini',
      ],
    ],
    ['of a definition without steps and of an unknown backend', { outcome: 'error' }, []],
  ])('that was %s', (what, record, lines) => {
    const none: TableSteps = { processors: [], modifiers: [], backends: new Map() };
    expect(alignRows(runRows(what.startsWith('of a') ? none : steps, record))).toEqual(lines);
  });

  it.each<readonly [record: RunRecord, line: string]>([
    [
      { outcome: 'ok', firstContentMilliseconds: 258, milliseconds: 1_649, outputTokens: 45, revision: 'f3f3817272e7' },
      'first text after 258 ms, complete after 1.6 s, 45 tokens, revision f3f3817272e7',
    ],
    [{ outcome: 'error', milliseconds: 999 }, 'over after 999 ms'],
    [{}, ''],
  ])('ends with a line about %j', (record, line) => {
    expect(runSummary(record)).toBe(line);
  });
});
