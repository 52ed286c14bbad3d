import { kindOfLoss, losses } from './losses.ts';
import type { Result } from './results.ts';

type Side = 'client' | 'provider';

/** Who the two sides are, in the order of the page. */
export interface Sides {
  readonly client: readonly string[];
  readonly provider: readonly string[];
}

/** What cannot be told from one side to the other, one row for equal pairs. */
export function lossTable(results: readonly Result[], from: Side, sides: Sides): string {
  const to = from === 'client' ? 'provider' : 'client';
  const prefix = from === 'client' ? 'request.' : 'answer.';
  const rows = Object.entries(losses)
    .filter(([name]) => name.startsWith(prefix))
    .flatMap(([name, { words }]) =>
      pairsOf(results, name, from, sides).map(
        ({ tellers, listeners }, index) =>
          `| ${index === 0 ? `${words} | \`${name}\`` : '|'} | ${tellers} | ${listeners.join(', ')} |`,
      ),
    );
  return [`| What | Name | ${title(from)} | ${title(to)} |`, '|---|---|---|---|', ...rows, ''].join('\n');
}

const title = (side: Side): string => (side === 'client' ? 'Client' : 'Provider');

/** Listeners that the same ones can't tell it stand together. */
function pairsOf(
  results: readonly Result[],
  name: string,
  from: Side,
  sides: Sides,
): readonly { readonly tellers: string; readonly listeners: readonly string[] }[] {
  const to = from === 'client' ? 'provider' : 'client';
  const met = results.filter(({ outcome }) => outcome.lost.some((lost) => kindOfLoss(lost) === name));
  const able = ableOf(results, met, from);
  const groups = new Map<string, string[]>();
  for (const listener of sides[to]) {
    const pairs = met.filter((result) => result[to] === listener);
    const tellers = sides[from].filter((teller) => pairs.some((result) => result[from] === teller));
    if (tellers.length === 0) continue;
    const words = tellers.length > 2 && tellers.length === able.size ? 'all' : tellers.join(', ');
    groups.set(words, [...(groups.get(words) ?? []), listener]);
  }
  return [...groups].map(([tellers, listeners]) => ({ tellers, listeners }));
}

/** Those whose format has words for the cases in which it was lost. */
function ableOf(results: readonly Result[], met: readonly Result[], from: Side): ReadonlySet<string> {
  const names = new Set(met.map(({ one }) => one.name));
  const able = results.filter(({ one, outcome }) => names.has(one.name) && outcome.side !== from);
  return new Set(able.map((result) => result[from]));
}
