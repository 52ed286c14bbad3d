import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { neutralClients } from './clients.ts';
import { cases } from './matrix/cases.ts';
import { writePage } from './matrix/page.ts';
import { play } from './matrix/play-case.ts';
import { Results } from './matrix/results.ts';
import { Stage } from './matrix/stage.ts';
import { neutralProviders } from './providers.ts';

const results = new Results();
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(neutralProviders);
});
afterAll(() => stage.close());

describe.each(neutralClients)('a client of $dialect', (client) => {
  it.each(cases)('$name', async (one) => {
    const complaints = await Promise.all(
      neutralProviders.map(async (provider) => {
        const outcome = await play(stage, client, provider, one);
        results.add(one, client, provider, outcome);
        return outcome.complaints.map((complaint) => `${provider.type}: ${complaint}`);
      }),
    );
    expect(complaints.flat()).toEqual([]);
  });
});

describe('docs/translation.md', () => {
  const page = new URL('../../docs/translation.md', import.meta.url);

  it('says what was measured', async () => {
    expect(results.all).toHaveLength(neutralClients.length * neutralProviders.length * cases.length);
    const client = neutralClients.map(({ dialect }) => dialect);
    const provider = neutralProviders.map(({ type }) => type);
    const written = writePage(results.all, { client, provider });
    if (process.env['UPDATE_DOCS'] === '1') await writeFile(page, written);
    const found = await readFile(page, 'utf8').catch(() => '');
    if (found !== written)
      throw new Error('docs/translation.md is not what was measured. Run: UPDATE_DOCS=1 npm test -- test/translation');
  });
});
