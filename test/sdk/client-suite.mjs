import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { failureOf, ways } from './asking.mjs';
import { modifies } from './modifier-suite.mjs';
import { formats, inTime, startStage, until } from './stage.mjs';
import { answers, proof, textOf } from './upstreams/scripted-answers.mjs';
import { startTap } from './upstreams/tap.mjs';

/*
 * What every client must be able to do, with every provider. A client is described by an object:
 *
 *   name                what it is called
 *   providers           the types of provider that it is tested with; all where nothing is said
 *   connect(base)       makes it, with retries off; `base` is http://HOST/pipelines/NAME
 *   ask(client, question)   one request. `question` has model, stream, history (of an earlier answer; absent at first),
 *                       tools and thinking (wishes), signal, and onText(piece). Resolves to text, thinking, calls
 *                       [{id, name, arguments}], finish, usage {input, output} where there is one, and reply(results), the history with which
 *                       the client asks again; results are [{id, name, text}]. Throws, or rejects, where the client says
 *                       in any way that the answer is not whole.
 *   readError(error, status)  proves that the error is of the right class, and gives {status, message, retryAfter}.
 *                       Without `status` the error came in the middle of a stream.
 *   statuses            statuses that its dialect has in place of ours, such as {503: 529}
 *   finishes            the client's words for an answer that is whole, {text, tools}, or that was stopped, {filtered}
 *   dialect             the format of the client; where it has none, that of the first of its providers
 *   heartbeat           what a heartbeat looks like on the wire
 *   lacks               what the client can't show: thinking, proofs, usage, signalOfDocument, retryAfter
 */

export const system = 'Be brief, please.';
const person = 'ann.lee@example.com';
export const prompt = `Hi, I am ${person}! Is it sunny in Bern and Oslo?`;
export const weather = {
  name: 'weather',
  description: 'The weather in a city.',
  schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const reports = { Bern: 'sunny', Oslo: 'rain and 4 degrees' };

const heartbeatsPerSilence = 2;

/** Status, and words that the client must be able to read. */
const refusals = [
  ['rate-limit', 429, /limits the rate/],
  ['rejected', 400, /temperature is too hot/],
  ['overloaded', 503, /overloaded/],
  ['wrong-key', 502, /refused the credential/],
  ['broken', 502, /failed with status 500/],
  ['no-such-model', 404, /no model \\?"no-such-model\\?" here/],
];

/** Ends in the middle: words that the client must be able to read, and what it has seen until then. */
const breaks = [
  { scenario: 'error-inside', words: /reported an error|failed with status 500/, answer: answers.text },
  { scenario: 'cut', words: /ended before it was complete/, answer: answers.text },
  { scenario: 'reset', words: /broke the connection|ended before it was complete/, answer: answers.text },
  { scenario: 'cut-call', words: /ended before it was complete/, answer: answers.tools },
];

/** Runs the suite for one client; `more(stage)` may add tests of its own. */
export function describeClient(client, more = () => {}) {
  const chosen = formats.filter(({ type }) => client.providers?.includes(type) ?? true);
  const withModifiers = new Set(modifiersOver(client, chosen));
  describe(`${client.name}, as it is`, () => {
    const stage = {};

    before(async () => Object.assign(stage, await startStage(chosen)));
    after(() => stage.stop?.());
    stage.connect = (pipeline, origin = stage.product.origin) => client.connect(`${origin}/pipelines/${pipeline}`);

    // The providers are used at the same time, each of them by one test after the other.
    describe('with every provider', { concurrency: chosen.length }, () => {
      for (const { type } of chosen) {
        describe(`with a provider of ${type}`, { concurrency: 1 }, () => {
          answersWhole(client, stage, type);
          refuses(client, stage, type);
          breaksInTheMiddle(client, stage, type);
          leaves(client, stage, type);
          waits(client, stage, type);
          if (withModifiers.has(type)) modifies(client, stage, type, person);
        });
      }
    });
    more(stage);
  });
}

/** Modifiers are tried over the format of the client itself; of the official clients over another format too. */
function modifiersOver({ dialect }, chosen) {
  const types = chosen.map(({ type }) => type);
  const own = types.indexOf(dialect);
  return own < 0 ? types.slice(0, 1) : [types[own], types[(own + 1) % types.length]];
}

function answersWhole(client, stage, type) {
  const { lacks = [], finishes } = client;
  const answerTo = (question) => client.ask(stage.connect(type), question);
  const lastBody = () => stage.providers.get(type).requests.at(-1).body;
  const format = formats.find((one) => one.type === type);

  for (const [way, stream] of ways) {
    it(`gets text ${way}`, async () => {
      const pieces = [];
      const { text, calls, finish, usage } = await answerTo({
        model: 'text',
        stream,
        onText: (piece) => pieces.push(piece),
      });
      assert.equal(text, textOf(answers.text));
      assert.deepEqual(calls, []);
      assert.equal(finish, finishes.text);
      if (!lacks.includes('usage')) assert.deepEqual(usage, answers.text.usage);
      if (stream) assert.deepEqual(pieces.filter(Boolean), answers.text.text);
      const said = JSON.stringify(lastBody());
      for (const words of [system, prompt]) assert.ok(said.includes(words), `the provider was told "${words}"`);
    });

    it(`gets text that a modifier has changed, ${way}`, async () => {
      const { text, finish } = await client.ask(stage.connect(`${type}-masked`), { model: 'text', stream });
      assert.equal(text, textOf(answers.text).replace('there', '***'));
      assert.equal(finish, finishes.text);
    });

    it(`gets tool calls ${way}, and tells their results`, async () => {
      const { text, calls, finish, reply } = await answerTo({ model: 'tools', stream, tools: true });
      assert.equal(text, textOf(answers.tools));
      assert.deepEqual(
        calls.map((call) => ({ name: call.name, arguments: call.arguments })),
        answers.tools.calls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) })),
      );
      assert.equal(new Set(calls.map(({ id }) => id)).size, 2, 'each call has an id of its own');
      assert.equal(finish, finishes.tools);
      const said = JSON.stringify(lastBody());
      assert.ok(said.includes(weather.description) && said.includes('"city"'), 'the provider knows the tool');

      const results = calls.map(({ id, name, arguments: { city } }) => ({ id, name, text: reports[city] }));
      const second = await answerTo({ model: 'tools', stream, tools: true, history: reply(results) });
      assert.equal(second.text, textOf(answers.afterTools));
      assert.equal(second.finish, finishes.text);
      assert.deepEqual(
        format.results(lastBody()).map(({ call, text: report }) => [call, readReport(report)]),
        answers.tools.calls.map((call) => [format.callName(call), reports[JSON.parse(call.arguments).city]]),
      );
    });

    it(`gets reasoning ${way}, and its proof goes back to the provider`, async () => {
      const first = await answerTo({ model: 'thinking', stream, tools: true, thinking: true });
      const [call] = first.calls;
      assert.deepEqual([first.calls.length, call.arguments], [1, { city: 'Bern' }]);
      if (!lacks.includes('thinking')) assert.equal(first.thinking, answers.thinking.thinking.join(''));

      const history = first.reply([{ id: call.id, name: call.name, text: reports.Bern }]);
      const second = await answerTo({ model: 'thinking', stream, tools: true, thinking: true, history });
      assert.equal(second.text, textOf(answers.afterTools));
      const proves = type !== 'ollama' && !lacks.includes('proofs');
      assert.deepEqual(format.proofs(lastBody()), proves ? [proof] : []);
    });

    it(`gets reasoning before text ${way}`, async () => {
      const { text, thinking, finish } = await answerTo({ model: 'thought', stream, thinking: true });
      assert.equal(text, textOf(answers.thought));
      assert.equal(finish, finishes.text);
      if (!lacks.includes('thinking')) assert.equal(thinking, answers.thought.thinking.join(''));
    });
  }
}

function refuses(client, stage, type) {
  for (const [scenario, status, words] of refusals) {
    for (const [way, stream] of ways) {
      it(`${scenario}: throws for an answer ${way}`, async () => {
        const error = await failureOf(client.ask(stage.connect(type), { model: scenario, stream }));
        const { status: seen, message, retryAfter } = client.readError(error, status);
        if (seen !== undefined) assert.equal(seen, client.statuses?.[status] ?? status);
        assert.match(message, words);
        if (scenario === 'rate-limit' && !client.lacks?.includes('retryAfter')) assert.equal(retryAfter, '7');
      });
    }
  }
}

function breaksInTheMiddle(client, stage, type) {
  for (const { scenario, words, answer } of breaks) {
    it(`${scenario}: a stream throws`, async () => {
      const pieces = [];
      const question = {
        model: scenario,
        stream: true,
        tools: answer === answers.tools,
        onText: (piece) => pieces.push(piece),
      };
      const error = await failureOf(client.ask(stage.connect(type), question));
      assert.match(client.readError(error).message, words);
      assert.equal(pieces.join(''), answer === answers.tools ? textOf(answer) : answer.text.slice(0, 2).join(''));
    });
  }

  it('cut: an answer in one piece throws', async () => {
    const error = await failureOf(client.ask(stage.connect(type), { model: 'cut', stream: false }));
    assert.match(client.readError(error, 502).message, /ended before it was complete/);
  });
}

function leaves(client, stage, type) {
  it('closes the connection to the provider when it leaves a stream', async () => {
    const leaving = new AbortController();
    const closed = stage.providers.get(type).closed('endless');
    let pieces = 0;
    const onText = () => {
      pieces += 1;
      if (pieces === 5) leaving.abort();
    };
    const asked = client.ask(stage.connect(type), { model: 'endless', stream: true, signal: leaving.signal, onText });
    await Promise.allSettled([asked]);
    await inTime(closed, 'the provider saw nobody leave');
    assert.ok(stage.product.alive());
  });

  if (client.lacks?.includes('signalOfDocument')) return;
  it('closes the connection to the provider when it leaves before an answer', async () => {
    const provider = stage.providers.get(type);
    const leaving = new AbortController();
    const closed = provider.closed('silence');
    const asksBefore = provider.requests.length;
    const asked = client.ask(stage.connect(type), { model: 'silence', stream: false, signal: leaving.signal });
    const settled = Promise.allSettled([asked]);
    await until(() => provider.requests.length > asksBefore, 'the provider was not asked');
    leaving.abort();
    await settled;
    await inTime(closed, 'the provider saw nobody leave');
  });
}

function waits(client, stage, type) {
  it('takes no notice of heartbeats, before the text and in the middle of it', async () => {
    const provider = stage.providers.get(type);
    let heartbeats = 0;
    let answered = 0;
    const tap = await startTap(stage.product.origin, (seen) => {
      heartbeats = seen.match(client.heartbeat)?.length ?? 0;
      if (heartbeats - answered >= heartbeatsPerSilence && provider.release()) answered = heartbeats;
    });
    try {
      const { text, finish } = await client.ask(stage.connect(`${type}-silence`, tap.origin), {
        model: 'silence',
        stream: true,
      });
      assert.equal(text, textOf(answers.text));
      assert.equal(finish, client.finishes.text);
      assert.ok(heartbeats >= 2 * heartbeatsPerSilence, `${heartbeats} heartbeats`);
    } finally {
      await tap.close();
    }
  });
}

/** Some dialects carry a result as text, others as an object with the text in it. */
function readReport(text) {
  return Object.values(reports).find((report) => text.includes(report)) ?? text;
}
