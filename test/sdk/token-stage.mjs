import { startProduct, writePipelines } from './product.mjs';
import { anthropicMessages } from './upstreams/anthropic-messages.mjs';
import { gemini } from './upstreams/gemini.mjs';
import { startKeyedProvider } from './upstreams/keyed-provider.mjs';
import { ollama } from './upstreams/ollama.mjs';
import { openaiChat } from './upstreams/openai-chat.mjs';
import { openaiResponses } from './upstreams/openai-responses.mjs';
import { startTokenServer } from './upstreams/token-server.mjs';

const bearer = { header: 'authorization', scheme: 'Bearer' };
const providers = [
  [openaiChat, bearer],
  [openaiResponses, bearer],
  [anthropicMessages, { header: 'x-api-key', scheme: '' }],
  [gemini, { header: 'x-goog-api-key', scheme: '' }],
  [ollama, bearer],
];
export const types = providers.map(([{ type }]) => type);
/** Headers in which clients send keys. */
const clientHeaders = ['authorization', 'x-api-key', 'x-goog-api-key'];

/** A part of every secret here. Where it is found in none of its forms, no secret is. */
export const canary = 'Canary+7Qx/2kVw';
const clientSecret = `${canary}-secret-of-sluice`;
const operatorToken = `${canary}-token-of-the-operator`;

/** A refused token is replaced once it is older than this; the shortest time there is. */
export const failureTtlMilliseconds = 100;

const overlapCharacters = 200;

/**
 * The product, at its most talkative, between clients and providers that know their users. Per provider there are these
 * pipelines:
 *
 *   TYPE-passthrough      works with the key of the caller
 *   TYPE-exchange-HEADER  exchanges what the caller sends in that header, and remembers what it got
 *   TYPE-login            works with a token of its own, which is accepted
 *   TYPE-stranger         the same, and no token is ever accepted
 *   TYPE-nobody           the same, and the token server gives it none
 *   TYPE-operator         works with a fixed token that is not accepted
 *
 * `newUser(name)` makes a user {name, key} whom the providers know, `newColleague(name)` one whom only the token server
 * knows, `newStranger(name)` one whom nobody knows. `revoke()` ends all tokens of Sluice itself. `newLog()` is what the
 * product has printed since it was last called, with the end of what was before.
 */
export async function startTokenStage() {
  const accounts = new Map();
  const users = new Map();
  let made = 0;
  const newKey = (name) => `${canary}-${name}-${(made += 1)}`;
  const newUser = (name, known) => {
    const key = newKey(name);
    known?.set(key, name);
    return { name, key };
  };
  const tokens = await startTokenServer({
    clients: new Map([
      ['sluice', clientSecret],
      ['stranger', clientSecret],
    ]),
    users,
    issue: (name) => newUser(name, name === 'stranger' ? undefined : accounts).key,
  });
  const started = new Map();
  for (const [format, placement] of providers)
    started.set(format.type, await startKeyedProvider(format, placement, accounts));
  const pipelines = writePipelines(
    Object.assign({}, ...providers.map((one) => pipelinesFor(one, started.get(one[0].type).origin, tokens.url))),
  );
  const stop = async (product) => {
    await product?.stop();
    for (const server of [...started.values(), tokens]) await server.close();
    pipelines.remove();
  };
  try {
    const product = await startProduct(pipelines.folder, {
      SLUICE_LOG_LEVEL: 'trace',
      SDK_CLIENT_SECRET: clientSecret,
      SDK_OPERATOR_TOKEN: operatorToken,
    });
    return {
      product,
      tokens,
      providers: started,
      newUser: (name) => newUser(name, accounts),
      newColleague: (name) => newUser(name, users),
      newStranger: (name) => newUser(name),
      revoke: () => {
        for (const [key, name] of accounts) if (name === 'sluice') accounts.delete(key);
      },
      newLog: readerOf(product),
      stop: () => stop(product),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The product keeps the end of its log only, so that what is new begins at what was last. */
function readerOf(product) {
  let last = '';
  return () => {
    const log = product.log();
    const fresh = log.slice(Math.max(0, log.lastIndexOf(last)));
    last = log.slice(-overlapCharacters);
    return fresh;
  };
}

function pipelinesFor([{ type, config }, placement], origin, tokenUrl) {
  const server = { tokenUrl, network: 'private', clientSecret: { $env: 'SDK_CLIENT_SECRET' }, ...placement };
  const cached = (provider) => ({ type: 'cache', config: { provider, failureTtl: `${failureTtlMilliseconds}ms` } });
  const login = (clientId) => cached({ type: 'oauth2-client-credentials', config: { ...server, clientId } });
  const exchange = { type: 'oauth2-token-exchange', config: { ...server, clientId: 'sluice', from: clientHeaders } };
  const tokenProviders = {
    passthrough: { type: 'passthrough', config: placement },
    login: login('sluice'),
    stranger: login('stranger'),
    nobody: login('nobody'),
    operator: { type: 'static', config: { token: { $env: 'SDK_OPERATOR_TOKEN' }, ...placement } },
    exchange: cached(exchange),
  };
  return Object.fromEntries(
    Object.entries(tokenProviders).map(([name, token]) => [
      `${type}-${name}`,
      {
        backends: { one: { type, config: { ...config, baseUrl: origin, model: 'mock-1' }, token, network: 'private' } },
        routing: { default: { to: ['one'] } },
      },
    ]),
  );
}
