import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { catalogue, row } from './catalogue.ts';
import { pending } from './pending.ts';

/** A group of scenarios names its row; one that is skipped or focused proves nothing. */
const group = /^describe(?<modifier>\.\w+)?\(row\('(?<id>[^']+)'\)/gm;

async function coveredRows(): Promise<
  readonly { readonly id: string; readonly file: string; readonly modifier: string | undefined }[]
> {
  const files = (await readdir(import.meta.dirname)).filter(
    (name) => name.endsWith('.spec.ts') && name !== 'catalogue.spec.ts',
  );
  const texts = await Promise.all(
    files.map(async (file) => [file, await readFile(`${import.meta.dirname}/${file}`, 'utf8')] as const),
  );
  return texts.flatMap(([file, text]) =>
    [...text.matchAll(group)].map(({ groups }) => ({ id: groups?.['id'] ?? '', file, modifier: groups?.['modifier'] })),
  );
}

describe('the failure catalogue', () => {
  it('has only rows that are proven or pending, and never both', async () => {
    const covered = new Set((await coveredRows()).map(({ id }) => id));
    const state = [...catalogue.keys()].map(
      (id) =>
        `${id}: ${[covered.has(id) && 'proven', id in pending && 'pending'].filter(Boolean).join(' and ') || 'nothing'}`,
    );
    expect(state.filter((line) => !/: (?:proven|pending)$/.test(line))).toEqual([]);
  });

  it('is all that scenarios and pending rows name', async () => {
    const known = new Set<string>(catalogue.keys());
    const named = [...(await coveredRows()).map(({ id }) => id), ...Object.keys(pending)];
    expect(named.filter((id) => !known.has(id))).toEqual([]);
  });

  it('is proven by scenarios that run', async () => {
    const groups = await coveredRows();
    expect(groups.length).toBeGreaterThan(30);
    expect(groups.filter(({ modifier }) => modifier !== undefined)).toEqual([]);
    expect(groups.map(({ id }) => id).sort()).toEqual([...new Set(groups.map(({ id }) => id))].sort());
  });

  it('gives a reason for each pending row', () => {
    for (const reason of Object.values(pending)) expect(reason).toMatch(/^[A-Z].{20,}\.$/);
  });

  it('refuses a row that it does not have', () => {
    expect(() => row('no-such-row' as 'reset')).toThrow('no row "no-such-row"');
  });
});
