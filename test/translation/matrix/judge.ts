import { isDeepStrictEqual } from 'node:util';
import { isJson } from '../clients/strict.ts';
import type { NeutralAsk } from '../neutral.ts';
import type { Differences } from './differences.ts';
import { kindOfLoss, losses } from './losses.ts';

/** What is wrong: differences that no loss explains, and losses that explain no difference. */
export function judge(
  differences: Differences,
  lost: readonly string[],
  asks: readonly NeutralAsk[] = [],
): readonly string[] {
  const explained = new Set(lost.flatMap((name) => losses[kindOfLoss(name)]?.explains ?? []));
  return [
    ...[...differences]
      .filter(([name]) => !explained.has(name))
      .map(([name, { told, read }]) => `${name}:${show(told, read)}; reported: ${lost.join(', ') || 'nothing'}`),
    ...lost.flatMap((name) => complaintOf(name, differences, asks)),
  ];
}

function complaintOf(name: string, differences: Differences, asks: readonly NeutralAsk[]): readonly string[] {
  const loss = losses[kindOfLoss(name)];
  if (loss === undefined) return [`${name} is reported, and the judge knows no such loss`];
  if (loss.needless !== undefined && asks.includes(loss.needless))
    return [`${name} is lost, which the format could say`];
  const isTrue = loss.explains === undefined || loss.explains.some((part) => differences.has(part));
  return isTrue ? [] : [`${name} is reported, and nothing is lost`];
}

/** Two values, cut down to where they differ. */
function show(told: unknown, read: unknown): string {
  if (Array.isArray(told) && Array.isArray(read)) {
    const at = told.findIndex((item, index) => !isDeepStrictEqual(item, read[index]));
    const place = at === -1 ? told.length : at;
    return `[${place}]${show(told[place], read[place])}`;
  }
  if (isJson(told) && isJson(read)) {
    const names = [...new Set([...Object.keys(told), ...Object.keys(read)])];
    const name = names.find((candidate) => !isDeepStrictEqual(told[candidate], read[candidate]));
    if (name !== undefined) return `.${name}${show(told[name], read[name])}`;
  }
  return ` told ${brief(told)}, read ${brief(read)}`;
}

const brief = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? 'nothing';
