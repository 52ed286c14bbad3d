/*
 * A reading is what somebody understood of an answer, in words that belong to no dialect:
 *
 *   outcome    answer | error | truncated | broken
 *   choices    of each choice: text, reasoning (pieces: parts of a summary are apart), refusal,
 *              calls { id, name, isCustom, arguments: a parsed value, or the text where it is no JSON }, stop
 *   usage      input, cacheRead, cacheWrite, output, reasoning; what nobody said is undefined.
 *              input includes what was read from and written to caches, output includes reasoning
 *
 *              explanation of a refusal, where it is no part of the answer
 *   status     of an error: that of HTTP, where it is known
 *
 * `stop` is one of stop, length, tool_calls, content_filter, refusal, pause, error.
 */

export class ReadingBuilder {
  #choices = new Map();
  usage = {};

  choice(index = 0) {
    if (!this.#choices.has(index))
      this.#choices.set(index, { text: '', reasoning: [], refusal: '', calls: [], stop: undefined });
    return this.#choices.get(index);
  }

  answer() {
    const choices = [...this.#choices].sort(([a], [b]) => a - b).map(([, choice]) => finished(choice));
    return { outcome: 'answer', choices, usage: this.usage };
  }
}

export const failed = { outcome: 'error', choices: [], usage: {} };
export const broken = { outcome: 'broken', choices: [], usage: {} };
export const truncated = { outcome: 'truncated', choices: [], usage: {} };

function finished({ text, reasoning, thoughts = {}, refusal, calls, stop, explanation }) {
  const spelled = Object.values(thoughts).find((thought) => thought !== '');
  return {
    text,
    reasoning: [...reasoning, spelled ?? ''].filter((piece) => piece !== ''),
    refusal,
    calls: calls.filter((call) => call !== undefined).map(finishedCall),
    stop,
    ...(explanation !== undefined && { explanation }),
  };
}

/** What a custom tool is called with is text, whatever it looks like. */
function finishedCall({ json, ...call }) {
  return { ...call, arguments: call.isCustom ? json : parsed(json) };
}

/** Arguments as a value. Some providers send none at all, or nothing, where they mean an empty object. */
function parsed(json) {
  if (typeof json !== 'string') return json ?? {};
  if (json.trim() === '') return {};
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** Adds a piece to the last of the pieces, or begins one. */
export function appendPiece(pieces, text, isNew = false) {
  if (isNew || pieces.length === 0) pieces.push(text);
  else pieces[pieces.length - 1] += text;
}

/** Sum of counts; undefined where none of them was said. */
export function sum(...counts) {
  const said = counts.filter((count) => typeof count === 'number');
  return said.length === 0 ? undefined : said.reduce((total, count) => total + count, 0);
}
