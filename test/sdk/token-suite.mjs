import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaksOf } from '../support/canary.ts';
import { failureOf, ways } from './asking.mjs';
import { inTime, until } from './stage.mjs';
import { canary, failureTtlMilliseconds, startTokenStage, types } from './token-stage.mjs';
import { carriersOf, greeting } from './upstreams/keyed-provider.mjs';
import { startTap } from './upstreams/tap.mjs';

/*
 * What becomes of the keys of clients, and of the tokens of Sluice itself. A client is described by an object:
 *
 *   name                what it is called
 *   dialect             its format
 *   header              where it sends its key
 *   connect(base, key)  makes it, with retries off; `base` is http://HOST/pipelines/NAME. Without `key` it sends none
 *   ask(client, {model, prompt, stream})   one request; resolves to the pieces of the text. Rejects where it has failed
 *   readError(error, status)  proves that the error is of the class that the client has for the status, and of none for
 *                       another one; gives {status, message}
 */

const model = 'mock-1';
const promptOf = ({ name }) => `Good morning, I am ${name}.`;

/** What is refused for ever, with the status that the client sees: a 401 only where it is about the client. */
const refusals = [
  { what: 'a fixed token', pipeline: () => 'operator', status: 502, words: /refused the credential/ },
  { what: 'every token that can be had', pipeline: () => 'stranger', status: 502, words: /refused the credential/ },
  { what: 'the key of the caller', pipeline: () => 'passthrough', status: 502, words: /refused the credential/ },
  { what: 'Sluice by the token server', pipeline: () => 'nobody', status: 503, words: /No credential/ },
  { what: 'the caller by the token server', pipeline: () => 'exchange', status: 401, words: /not accepted/ },
];

/** Runs the suite for all clients, against one product. */
export function describeTokens(clients) {
  describe('tokens', () => {
    const stage = {};
    before(async () => Object.assign(stage, await startTokenStage()));
    after(async () => {
      await stage.stop?.();
      assert.deepEqual(leaksOf(canary, stage.product?.log() ?? ''), [], 'the log shows a secret');
    });
    for (const client of clients) describe(`of ${client.name}`, () => keepsTokens(client, stage));
  });
}

function keepsTokens(client, stage) {
  const wire = { seen: '' };
  let tap;
  before(async () => (tap = await startTap(stage.product.origin, (seen) => (wire.seen = seen))));
  after(() => tap?.close());
  afterEach(() => {
    assert.deepEqual(leaksOf(canary, wire.seen), [], 'an answer shows a secret');
    assert.deepEqual(leaksOf(canary, stage.newLog()), [], 'the log shows a secret');
  });

  const ask = async (pipeline, user, stream) => {
    const connected = client.connect(`${tap.origin}/pipelines/${pipeline}`, user.key);
    const pieces = await client.ask(connected, { model, prompt: promptOf(user), stream });
    return pieces.filter((piece) => piece !== '');
  };
  const scene = { client, stage, ask, wire };
  for (const type of types) handsOn({ ...scene, type });
  for (const type of ownAndForeign(client)) {
    asksForAKey({ ...scene, type });
    actsOnBehalf({ ...scene, type });
    renews({ ...scene, type });
    for (const refusal of refusals) isRefused({ ...scene, type, refusal });
  }
}

/** The format of the client itself, and another one. */
function ownAndForeign({ dialect }) {
  const own = types.indexOf(dialect);
  return [types[own], types[(own + 1) % types.length]];
}

/** One user asks in all ways at once; resolves to what it got. */
const askInAllWays = (ask, pipeline, user) =>
  Promise.all(ways.map(async ([, stream]) => [stream, await ask(pipeline, user, stream)]));

const greeted = ({ name }, pieces) => assert.equal(pieces.join(''), greeting(name).join(''));

/** Runs `act`, during which the provider answers nobody before `count` requests are there; gives the requests. */
async function together(provider, count, act) {
  const first = provider.requests.length;
  const letGo = provider.gather(count);
  try {
    await inTime(act(), `not all of ${count} requests came, or there was no answer`);
  } finally {
    letGo();
  }
  return provider.requests.slice(first);
}

function handsOn({ stage, ask, type }) {
  it(`keys of two users at once reach a provider of ${type}, each for its user, where it wants them`, async () => {
    const users = ['ann', 'bob'].map(stage.newUser);
    const provider = stage.providers.get(type);
    const requests = await together(provider, users.length * ways.length, async () => {
      const all = users.map((user) => askInAllWays(ask, `${type}-passthrough`, user));
      for (const [index, answers] of (await Promise.all(all)).entries())
        for (const [stream, pieces] of answers) {
          greeted(users[index], pieces);
          if (stream) assert.deepEqual(pieces, greeting(users[index].name));
        }
    });
    assert.equal(requests.length, users.length * ways.length);
    for (const user of users) {
      const own = requests.filter(({ said }) => said.body.includes(promptOf(user)));
      assert.deepEqual(
        own.map((request) => [request.key, carriersOf(request, canary)]),
        ways.map(() => [user.key, [provider.header]]),
      );
    }
  });
}

function asksForAKey({ client, stage, ask, type, wire }) {
  for (const pipeline of [`${type}-passthrough`, `${type}-exchange`])
    for (const [way, stream] of ways)
      it(`who has no key is told so by ${pipeline}, ${way}`, async () => {
        const { requests } = stage.providers.get(type);
        const asked = [requests.length, stage.tokens.requests.length];
        const from = wire.seen.length;
        const { message } = client.readError(await failureOf(ask(pipeline, { name: 'carl' }, stream)), 401);
        assert.match(message, /a key of yours/);
        assert.ok(message.includes(client.header), message);
        const [, run] = /^HTTP\/1\.1 401 [^]*\r\nx-sluice-run: (\S+)/.exec(wire.seen.slice(from));
        await until(() => recordOf(stage, run) !== undefined, 'the run was not recorded');
        assert.equal(recordOf(stage, run).code, 'CALLER_KEY_MISSING');
        assert.deepEqual([requests.length, stage.tokens.requests.length], asked, 'nobody was asked');
      });
}

/** What the log says at the end of a run. */
function recordOf({ product }, run) {
  const line = product
    .log()
    .split('\n')
    .find((one) => one.includes(run) && one.includes('"message":"run ended"') && one.endsWith('}'));
  return line === undefined ? undefined : JSON.parse(line);
}

function actsOnBehalf({ stage, ask, type }) {
  it(`the tokens of two users are exchanged, once for each, before a provider of ${type} is asked`, async () => {
    const users = ['dora', 'emil'].map(stage.newColleague);
    const provider = stage.providers.get(type);
    const pipeline = `${type}-exchange`;
    const first = stage.tokens.requests.length;
    const askAll = async () => {
      const all = users.map((user) => askInAllWays(ask, pipeline, user));
      for (const [index, answers] of (await Promise.all(all)).entries())
        for (const [, pieces] of answers) greeted(users[index], pieces);
    };
    const requests = [
      ...(await together(provider, users.length * ways.length, askAll)),
      ...(await together(provider, users.length * ways.length, askAll)),
    ];
    const exchanged = stage.tokens.requests.slice(first).map(({ subject }) => subject);
    assert.equal(exchanged.length, users.length);
    assert.deepEqual(new Set(exchanged), new Set(users.map(({ key }) => key)));
    for (const user of users) {
      const own = requests.filter(({ said }) => said.body.includes(promptOf(user)));
      assert.deepEqual([own.length, new Set(own.map(({ key }) => key)).size], [2 * ways.length, 1]);
      for (const request of own) {
        assert.deepEqual([request.name, carriersOf(request, canary)], [user.name, [provider.header]]);
        assert.deepEqual(carriersOf(request, user.key), [], "the user's own token stays here");
      }
    }
  });
}

function renews({ stage, ask, type }) {
  it(`a token that a provider of ${type} refuses is renewed once and unseen, for a stream and a document`, async () => {
    const provider = stage.providers.get(type);
    const user = stage.newStranger('fred');
    const pipeline = `${type}-login`;
    greeted({ name: 'sluice' }, await ask(pipeline, user, true));
    await sleep(1.2 * failureTtlMilliseconds);
    stage.revoke();
    const first = stage.tokens.requests.length;
    const requests = await together(provider, ways.length, async () => {
      for (const [stream, pieces] of await askInAllWays(ask, pipeline, user)) {
        greeted({ name: 'sluice' }, pieces);
        if (stream) assert.deepEqual(pieces, greeting('sluice'));
      }
    });
    assert.deepEqual(
      requests.map(({ status }) => status),
      [401, 401, 200, 200],
    );
    assert.equal(stage.tokens.requests.length - first, 1, 'one new token for both');
    for (const request of requests) assert.deepEqual(carriersOf(request, user.key), [], "the user's key stays here");
  });
}

function isRefused({ client, stage, ask, type, refusal, wire }) {
  const { what, pipeline, status, words } = refusal;
  for (const [way, stream] of ways)
    it(`${what} is refused, with a provider of ${type}${status === 401 ? '' : ": no error of the client's own key"}, ${way}`, async () => {
      const { requests } = stage.providers.get(type);
      const [first, from] = [requests.length, wire.seen.length];
      const user = stage.newStranger('gina');
      const error = await failureOf(ask(`${type}-${pipeline(client)}`, user, stream));
      const { status: seen, message } = client.readError(error, status);
      assert.equal(seen, status);
      assert.match(message, words);
      if (status !== 401) assert.doesNotMatch(wire.seen.slice(from), /HTTP\/1\.1 401|authentication/i);
      const asked = requests.slice(first);
      assert.equal(asked.length > 0, status === 502, 'nothing leaves without a credential');
      assert.ok(asked.every((request) => request.status === 401));
      if (status === 502)
        await until(() => stage.product.log().includes('nobody here has the key'), 'nothing was logged');
    });
}
