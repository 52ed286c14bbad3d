/*
 * What a scripted provider says, in words of no format. `text` are the pieces of a stream; `calls` are tool calls with
 * their arguments as JSON text; `thinking` is reasoning, and `proof` the opaque text that must come back with it.
 */

const usage = { input: 12, output: 7 };
const bern = { id: 'call_bern', name: 'weather', arguments: '{"city":"Bern"}' };
const oslo = { id: 'call_oslo', name: 'weather', arguments: '{"city":"Oslo"}' };

/** As a provider would make it: base64 that nobody but it can read. */
export const proof = Buffer.from('only the provider knows what this proves').toString('base64');

export const answers = {
  text: { text: ['Hello', ' there', ', friend.'], usage },
  tools: { text: ['I look.'], calls: [bern, oslo], usage },
  thinking: { thinking: ['They want', ' the weather.'], proof, calls: [bern], usage },
  thought: { thinking: ['They greet', ' me.'], proof, text: ['Hello', ' there', ', friend.'], usage },
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
