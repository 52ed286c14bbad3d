/*
 * What a scripted provider says, in words of no format. `text` are the pieces of a stream; `calls` are tool calls with
 * their arguments as JSON text; `thinking` is reasoning, and `proof` the opaque text that must come back with it.
 */

const usage = { input: 12, output: 7 };
const bern = { id: 'call_bern', name: 'weather', arguments: '{"city":"Bern"}' };
const oslo = { id: 'call_oslo', name: 'weather', arguments: '{"city":"Oslo"}' };

/** What stands for the first address that a pipeline hides. */
export const hiddenAddress = '<EMAIL_1>';

/** Arguments whose middle, where they are cut, lies in a word, and in an escape of its first letter. */
const cutInWord = String.raw`{"city":"\u0073ecret secret","secret":"no word"}`;
const cutInEscape = String.raw`{"city":"a \u0073ecret tip"}`;

/** As a provider would make it: base64 that nobody but it can read. */
export const proof = Buffer.from('only the provider knows what this proves').toString('base64');

export const answers = {
  text: { text: ['Hello', ' there', ', friend.'], usage },
  tools: { text: ['I look.'], calls: [bern, oslo], usage },
  thinking: { thinking: ['They want', ' the weather.'], proof, calls: [bern], usage },
  thought: { thinking: ['They greet', ' me.'], proof, text: ['Hello', ' there', ', friend.'], usage },
  /** Full of a word that a pipeline masks, in pieces. */
  hushed: {
    thinking: ['They must not say sec', 'ret, the secr', 'et.'],
    proof,
    text: ['The sec', 'ret is se', 'cret', ' no more.'],
    calls: [
      { ...bern, arguments: cutInWord },
      { ...oslo, arguments: cutInEscape },
    ],
    usage,
  },
  personal: {
    text: ['Card 4111 1111 ', '1111 1111, mail bob', '.ray@exam', 'ple.com.'],
    calls: [{ ...bern, arguments: '{"city":"bob.ray@example.com, 4111111111111111"}' }],
    usage,
  },
  document: { text: ['{"city": "Be', 'rn", "warm": may', 'be}'], usage },
  marked: { text: ['**Hel', 'lo** & [th', 'ere](https://example', '.com), `fri', 'end`.'], usage },
  placeholder: {
    thinking: ['It is <EMA', 'IL_1>.'],
    proof,
    text: ['I write to <', 'EMAIL_1', '>.'],
    calls: [{ ...bern, arguments: JSON.stringify({ city: hiddenAddress }) }],
    usage,
  },
  /** The answer to every request that brings results of tools. */
  afterTools: { text: ['Bern', ' is sunny.'], usage },
};

export const textOf = ({ text = [] }) => text.join('');

/**
 * Words of the frame after which a stream breaks: a part of the text has been sent, or a call of several, whose arguments
 * look complete.
 */
export const middleOfText = JSON.stringify(answers.text.text[1]);
export const endOfCall = 'Bern';
