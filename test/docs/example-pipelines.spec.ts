import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kernel/clock.ts';
import { startSluice, type Sluice } from '../support/sluice.ts';

const projectFolder = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/modifiers.md', projectFolder), 'utf8');

/** Every command of the page, with the answer that stands below it. */
const calls = [...page.matchAll(/^curl \S+ \$SLUICE(\S+) .*\\\n {2}-d '(.*)'\n```\n\n```json\n([^]*?)^```$/gm)].map(
  ({ 1: path = '', 2: body = '', 3: shown = '' }) => [path, body, JSON.parse(shown) as object] as const,
);

describe('the pipelines of docs/modifiers.md', () => {
  let sluice: Sluice<typeof systemClock>;
  beforeAll(async () => {
    const environment = { SLUICE_PIPELINES_DIR: fileURLToPath(new URL('pipelines', projectFolder)) };
    sluice = await startSluice({ clock: systemClock, environment });
  });
  afterAll(() => sluice.close());

  it('are four', () => {
    expect(calls.map(([path]) => path.split('/')[2])).toEqual([
      'personal-data',
      'structured-output',
      'moderated',
      'tools',
    ]);
  });

  it('all serve', () => {
    expect(sluice.engine.pipelines().degraded).toEqual([]);
  });

  it.each(calls)('%s answers %s as it is shown', async (path, body, shown) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await (await fetch(sluice.origin + path, { method: 'POST', headers, body })).text();
    if (!Array.isArray(shown)) expect(JSON.parse(answer)).toMatchObject(shown);
    else expect(firstMatches(eventsOf(answer), shown as readonly object[])).toEqual(shown);
  });
});

function eventsOf(stream: string): Record<string, unknown>[] {
  return [...stream.matchAll(/^data: (.*)$/gm)].map(({ 1: data = '' }) => JSON.parse(data) as Record<string, unknown>);
}

/** For each event that is shown, the next one that came with the same fields, cut to those fields. */
function firstMatches(events: readonly Record<string, unknown>[], shown: readonly object[]): object[] {
  let place = 0;
  return shown.map((wanted) => {
    const cutEvent = (event: object): object =>
      Object.fromEntries(Object.keys(wanted).map((key) => [key, (event as Record<string, unknown>)[key]]));
    const found = events.findIndex((event, index) => index >= place && isSame(cutEvent(event), wanted));
    place = found === -1 ? events.length : found + 1;
    return cutEvent(events[found] ?? {});
  });
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
