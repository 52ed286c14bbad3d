import assert from 'node:assert/strict';
import { it } from 'node:test';
import { failureOf, ways } from './asking.mjs';
import { notice, noTool, withheld } from './modifier-pipelines.mjs';
import { inTime } from './stage.mjs';
import { answers, hiddenAddress, textOf } from './upstreams/scripted-answers.mjs';
import { startTap } from './upstreams/tap.mjs';

/*
 * What every client must get where modifiers work on the answer; the client is described in client-suite.mjs, which runs
 * this. `prompt` is what all clients say; it holds the address `person`.
 */

/** The masked word, or a part of it as the provider cuts it. As the key of an argument, in JSON in JSON, it is left. */
const unmasked = /secret(?!\\*":)|\bsecr?\b|\b(?:cr)?et\b|\bret\b/;

export function modifies(client, stage, type, person) {
  for (const [way, stream] of ways) {
    masks({ client, stage, type, way, stream });
    ends({ client, stage, type, way, stream });
    rewrites({ client, stage, type, way, stream });
    guardsCalls({ client, stage, type, way, stream });
    hidesFromTheProvider({ client, stage, type, way, stream, person });
    fails({ client, stage, type, way, stream });
  }
  failsLate(client, stage, type);
  leavesTheJudge(client, stage, type);
}

const upToTheMistake =
  '{"city": "Bern", "warm": \n[The answer is not the JSON that was asked for: syntax at /warm, character 25.]';

const callsOf = ({ calls }) => calls.map(({ name, arguments: values }) => ({ name, arguments: values }));

function masks({ client, stage, type, way, stream }) {
  const hidesThinking = client.lacks?.includes('thinking');

  it(`gets text, reasoning and arguments without a masked word, ${way}, and tells none of it to the provider`, async () => {
    let wire = '';
    const tap = await startTap(stage.product.origin, (seen) => (wire = seen));
    try {
      const connected = stage.connect(`${type}-hush`, tap.origin);
      const question = { model: 'hushed', stream, tools: true, thinking: true };
      const first = await client.ask(connected, question);
      assert.equal(first.text, 'The *** is *** no more.');
      if (!hidesThinking) assert.equal(first.thinking, 'They must not say ***, the ***.');
      assert.deepEqual(callsOf(first), [
        { name: 'weather', arguments: { city: '*** ***', secret: 'no word' } },
        { name: 'weather', arguments: { city: 'a *** tip' } },
      ]);
      assert.equal(first.finish, client.finishes.tools);
      assert.doesNotMatch(wire, unmasked);

      const history = first.reply(first.calls.map(({ id, name }) => ({ id, name, text: 'sunny' })));
      const second = await client.ask(connected, { ...question, history });
      assert.equal(second.text, textOf(answers.afterTools));
      assert.doesNotMatch(JSON.stringify(stage.providers.get(type).requests.at(-1).body), unmasked);
    } finally {
      await tap.close();
    }
  });

  it(`gets text and arguments without addresses and card numbers, ${way}`, async () => {
    const answer = await client.ask(stage.connect(`${type}-personal`), { model: 'personal', stream, tools: true });
    assert.equal(answer.text, 'Card [CREDIT_CARD], mail [EMAIL].');
    assert.deepEqual(callsOf(answer), [{ name: 'weather', arguments: { city: '[EMAIL], [CREDIT_CARD]' } }]);
  });
}

function ends({ client, stage, type, way, stream }) {
  const { finishes } = client;

  it(`gets an answer that a modifier has stopped as a filtered one, ${way}`, async () => {
    const { text, finish } = await client.ask(stage.connect(`${type}-stops`), { model: 'text', stream });
    assert.deepEqual({ text, finish }, { text: `Hello${withheld}`, finish: finishes.filtered });
  });

  it(`gets an answer that was stopped in a call as a filtered one, with the call before it, ${way}`, async () => {
    const answer = await client.ask(stage.connect(`${type}-stops-call`), { model: 'tools', stream, tools: true });
    assert.deepEqual(callsOf(answer)[0], { name: 'weather', arguments: { city: 'Bern' } });
    assert.ok(!JSON.stringify(answer.calls).includes('Oslo'), 'no call holds the word');
    assert.equal(answer.text, `${textOf(answers.tools)}${withheld.trim()}`);
    assert.equal(answer.finish, finishes.filtered);
  });

  it(`gets a document that is not valid up to its first mistake, ${way}`, async () => {
    const { text, finish } = await client.ask(stage.connect(`${type}-json`), { model: 'document', stream });
    assert.deepEqual({ text, finish }, { text: upToTheMistake, finish: finishes.filtered });
  });

  it(`gets what the judge lets pass, ${way}`, async () => {
    const { text, finish } = await client.ask(stage.connect(`${type}-judged`), { model: 'text', stream });
    assert.deepEqual({ text, finish }, { text: `Hello there,${withheld}`, finish: finishes.filtered });
  });

  it(`gets a notice at the end, ${way}`, async () => {
    const pieces = [];
    const { text, finish } = await client.ask(stage.connect(`${type}-notice`), {
      model: 'thought',
      stream,
      thinking: true,
      onText: (piece) => pieces.push(piece),
    });
    assert.deepEqual({ text, finish }, { text: textOf(answers.thought) + notice, finish: finishes.text });
    if (stream) assert.equal(pieces.join(''), text);
  });
}

function rewrites({ client, stage, type, way, stream }) {
  it(`gets text and arguments with what stands in place of others, ${way}`, async () => {
    const answer = await client.ask(stage.connect(`${type}-replaces`), { model: 'tools', stream, tools: true });
    assert.equal(answer.text, 'I see.');
    assert.deepEqual(callsOf(answer), [
      { name: 'weather', arguments: { city: 'ern-B' } },
      { name: 'weather', arguments: { city: 'slo-O' } },
    ]);
  });

  it(`gets text without Markdown, ${way}`, async () => {
    const { text, finish } = await client.ask(stage.connect(`${type}-plain`), { model: 'marked', stream });
    assert.deepEqual({ text, finish }, { text: 'Hello & there, friend.', finish: client.finishes.text });
  });

  it(`gets the text up to a sequence that ends it, ${way}`, async () => {
    const { text, finish } = await client.ask(stage.connect(`${type}-enough`), { model: 'text', stream });
    assert.deepEqual({ text, finish }, { text: `Hello there${withheld}`, finish: client.finishes.filtered });
  });

  it(`gets what another pipeline makes of the text, ${way}`, async () => {
    const { text, finish } = await client.ask(stage.connect(`${type}-translated`), { model: 'text', stream });
    assert.deepEqual({ text, finish }, { text: 'Hallo, Freund.', finish: client.finishes.text });
  });
}

function guardsCalls({ client, stage, type, way, stream }) {
  it(`gets no call that is denied, and an ordinary end, ${way}`, async () => {
    const answer = await client.ask(stage.connect(`${type}-no-tools`), { model: 'tools', stream, tools: true });
    assert.deepEqual(answer.calls, []);
    assert.equal(answer.text, textOf(answers.tools) + noTool.repeat(2));
    assert.equal(answer.finish, client.finishes.text);
  });

  it(`gets the calls that are not denied, ${way}`, async () => {
    const answer = await client.ask(stage.connect(`${type}-no-oslo`), { model: 'tools', stream, tools: true });
    assert.deepEqual(callsOf(answer), [{ name: 'weather', arguments: { city: 'Bern' } }]);
    assert.equal(answer.finish, client.finishes.tools);
  });
}

function hidesFromTheProvider({ client, stage, type, way, stream, person }) {
  it(`reads what the provider never saw, ${way}`, async () => {
    const answer = await client.ask(stage.connect(`${type}-restore`), {
      model: 'placeholder',
      stream,
      tools: true,
      thinking: true,
    });
    assert.equal(answer.text, `I write to ${person}.`);
    if (!client.lacks?.includes('thinking')) assert.equal(answer.thinking, `It is ${person}.`);
    assert.deepEqual(callsOf(answer), [{ name: 'weather', arguments: { city: person } }]);
    const said = JSON.stringify(stage.providers.get(type).requests.at(-1).body);
    assert.ok(said.includes(hiddenAddress) && !said.includes(person), said);
  });
}

function fails({ client, stage, type, way, stream }) {
  it(`throws where a modifier fails, ${way}, and shows nothing that it has not passed`, async () => {
    const pieces = [];
    const question = { model: 'text', stream, onText: (piece) => pieces.push(piece) };
    const error = await failureOf(client.ask(stage.connect(`${type}-fails`), question));
    client.readError(error, stream ? undefined : 500);
    assert.equal(pieces.join(''), stream ? 'Hello' : '');
  });

  it(`throws where nobody judges, ${way}, and shows nothing`, async () => {
    const pieces = [];
    const question = { model: 'text', stream, onText: (piece) => pieces.push(piece) };
    const error = await failureOf(client.ask(stage.connect(`${type}-unjudged`), question));
    const { message } = client.readError(error, 503);
    assert.match(message, /could not be checked|moderation/i);
    assert.deepEqual(pieces, []);
  });
}

function failsLate(client, stage, type) {
  it('gets the masked tail that was held, and then throws, where the provider breaks off', async () => {
    const pieces = [];
    const question = { model: 'cut', stream: true, onText: (piece) => pieces.push(piece) };
    const error = await failureOf(client.ask(stage.connect(`${type}-hush-phrase`), question));
    assert.match(client.readError(error).message, /ended before it was complete/);
    assert.equal(pieces.join(''), 'Hello ***');
  });
}

function leavesTheJudge(client, stage, type) {
  it('closes the connections to the provider and to the judge when it leaves while the judge thinks', async () => {
    const leaving = new AbortController();
    const closed = stage.providers.get(type).closed('endless');
    const left = stage.judge.left(type);
    const shown = Promise.withResolvers();
    const pieces = [];
    const onText = (piece) => {
      pieces.push(piece);
      if (piece !== '') shown.resolve();
    };
    const bothReady = Promise.all([stage.judge.asked(type), shown.promise]).then(() => leaving.abort());
    const asked = client.ask(stage.connect(`${type}-slow-judge`), {
      model: 'endless',
      stream: true,
      signal: leaving.signal,
      onText,
    });
    const settled = Promise.allSettled([asked]);
    await inTime(bothReady, 'the first piece did not come, or the judge was not asked');
    await settled;
    await inTime(Promise.all([closed, left]), 'somebody saw nobody leave');
    assert.equal(pieces.join(''), 'Hello');
    assert.ok(stage.product.alive());
  });
}
