import { foldedUnits, isHighSurrogate, isSurrogate } from '../words/text-folding.ts';

let spellings: ReadonlyMap<number, readonly number[]> | undefined;

/**
 * The expression that matches a text and nothing else; with `ignoreCase` whatever is equal to it after folding (see
 * text-folding.ts), so that a text means the same here as in a list of words. The text is well formed.
 */
export function literalExpression(text: string, ignoreCase: boolean): string {
  let expression = '';
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (isHighSurrogate(unit)) {
      expression += escape(text.codePointAt(index) ?? 0);
      index += 1;
    } else if (ignoreCase) {
      const folded = foldedUnits()[unit] ?? unit;
      expression += `[${(unitsByFolded().get(folded) ?? [unit]).map(escape).join('')}]`;
    } else {
      expression += escape(unit);
    }
  }
  return expression;
}

function escape(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}

/** The units that fold to the same one. Made once, at the first use. */
function unitsByFolded(): ReadonlyMap<number, readonly number[]> {
  if (spellings !== undefined) return spellings;
  const groups = new Map<number, number[]>();
  for (const [unit, folded] of foldedUnits().entries()) {
    if (isSurrogate(unit)) continue;
    const group = groups.get(folded);
    if (group === undefined) groups.set(folded, [unit]);
    else group.push(unit);
  }
  spellings = groups;
  return groups;
}
