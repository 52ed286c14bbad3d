import { isDeepStrictEqual } from 'node:util';

/** The fields in which two readings differ: `{ field, expected, got }`. `expected` is what the dialect can say of it. */
export function differences(expected, got) {
  const found = [];
  const compare = (field, left, right, same = isDeepStrictEqual) => {
    if (!same(left, right)) found.push({ field, expected: left, got: right });
  };
  if (expected.outcome !== 'answer') {
    compare('outcome', 'error', got.outcome);
    // Clients wait and try again after this one.
    if (expected.status === 429) compare('status', 429, got.status);
    return found;
  }
  compare('outcome', 'answer', got.outcome);
  if (got.outcome !== 'answer') return found;
  compare('choices', expected.choices.length, got.choices.length);
  for (const [at, choice] of expected.choices.entries()) {
    const seen = got.choices[at];
    if (seen === undefined) continue;
    const place = at === 0 ? '' : `choices[${at}].`;
    for (const name of ['text', 'refusal', 'stop']) compare(place + name, choice[name], seen[name]);
    compare(`${place}reasoning`, choice.reasoning, seen.reasoning, isSameReasoning);
    compare(`${place}calls`, choice.calls, seen.calls, areSameCalls);
  }
  for (const [name, count] of Object.entries(expected.usage))
    if (count !== undefined) compare(`usage.${name}`, count, got.usage[name] ?? 0);
  return found;
}

/** Where a dialect has one string for all of it, parts may be set apart by an empty line. */
function isSameReasoning(expected, got) {
  return got.join('') === expected.join('') || got.join('\n\n') === expected.join('\n\n');
}

function areSameCalls(expected, got) {
  return expected.length === got.length && expected.every((call, at) => isSameCall(call, got[at]));
}

/** An id that nobody gave may be any; arguments that are not compared are undefined. */
function isSameCall(expected, got) {
  return (
    expected.name === got.name &&
    expected.isCustom === got.isCustom &&
    (expected.id === undefined || expected.id === got.id) &&
    (expected.arguments === undefined || isDeepStrictEqual(plain(expected.arguments), plain(got.arguments)))
  );
}

/** Clients make objects of classes of their own. */
const plain = (value) => JSON.parse(JSON.stringify(value));
