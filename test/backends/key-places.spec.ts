import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Backend } from '../../src/kernel/component.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { bearer, tokenCredential } from '../../src/kernel/tokens/token-credential.ts';
import type { Credential, TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { passthroughTokenProvider } from '../../src/tokens/passthrough.ts';
import { staticTokenProvider } from '../../src/tokens/static.ts';
import { chatRequest, fakeRun } from '../support/chat-run.ts';
import { createInstance } from '../support/component-instance.ts';
import { productRegistry } from '../support/sluice.ts';
import { testRun } from '../support/test-run.ts';

/** Where each API takes the keys that it gives out, by the reference of its vendor. */
const places: readonly (readonly [string, object, Readonly<Record<string, string>>])[] = [
  ['openai-chat', { baseUrl: 'https://api.openai.com/v1' }, { authorization: 'Bearer k3y' }],
  ['openai-chat', { baseUrl: 'https://api.mistral.ai/v1' }, { authorization: 'Bearer k3y' }],
  ['openai-chat', { baseUrl: 'https://x.openai.azure.com/openai/v1' }, { 'api-key': 'k3y' }],
  ['openai-chat', { baseUrl: 'https://x.services.ai.azure.com/openai/v1' }, { 'api-key': 'k3y' }],
  ['openai-chat', { baseUrl: 'https://openai.azure.com.example' }, { authorization: 'Bearer k3y' }],
  ['openai-responses', { baseUrl: 'https://api.openai.com/v1' }, { authorization: 'Bearer k3y' }],
  ['openai-responses', { baseUrl: 'https://x.openai.azure.com/openai/v1' }, { 'api-key': 'k3y' }],
  ['anthropic-messages', { baseUrl: 'https://api.anthropic.com' }, { 'x-api-key': 'k3y' }],
  ['anthropic-messages', { baseUrl: 'https://x.services.ai.azure.com/anthropic' }, { 'x-api-key': 'k3y' }],
  ['gemini', { baseUrl: 'https://generativelanguage.googleapis.com' }, { 'x-goog-api-key': 'k3y' }],
  [
    'gemini',
    { baseUrl: 'https://europe-west4-aiplatform.googleapis.com', vertex: { project: 'p', location: 'europe-west4' } },
    { authorization: 'Bearer k3y' },
  ],
  ['cohere', { baseUrl: 'https://api.cohere.com' }, { authorization: 'Bearer k3y' }],
  ['ollama', { baseUrl: 'https://ollama.com' }, { authorization: 'Bearer k3y' }],
  ['bedrock-converse', { baseUrl: 'https://bedrock-runtime.eu-west-1.amazonaws.com' }, { authorization: 'Bearer k3y' }],
];

let registry: Registry;
beforeAll(async () => {
  registry = await productRegistry();
});

/** What the credential adds to the headers of the backend. */
async function added(type: string, config: object, credential: Credential): Promise<Record<string, string>> {
  const component = registry.get('backend', type);
  if (component === undefined) throw new Error(`there is no backend ${type}`);
  const backend: Backend = createInstance(component, { model: 'm', ...config }, testRun().capabilities);
  const plain = backend.encode(chatRequest({ stream: true }), fakeRun());
  const request = { ...plain, headers: { ...plain.headers } };
  await credential.apply(request);
  return Object.fromEntries(Object.entries(request.headers).filter(([name]) => plain.headers[name] === undefined));
}

const key = new Secret('A_KEY', () => 'k3y');
const fixed = (config: object): TokenProvider => staticTokenProvider.create({ token: key, ...config }, {});
const presented = fakeRun({
  presented: (name) => (name === 'authorization' ? new Secret('h', () => 'Bearer k3y') : undefined),
});

describe('a key', () => {
  it.each(places)('of a definition goes to %s at %j as %j', async (type, config, headers) => {
    expect(await added(type, config, await fixed({}).getToken(fakeRun()))).toEqual(headers);
  });

  it.each(places)('of the caller goes to %s at %j as %j', async (type, config, headers) => {
    const provider = createInstance(passthroughTokenProvider, {}, testRun().capabilities);
    expect(await added(type, config, await provider.getToken(presented))).toEqual(headers);
  });

  it.each(places)('for which the author names the scheme goes to %s at %j as it says', async (type, config) => {
    const credential = await fixed({ scheme: 'Bearer' }).getToken(fakeRun());
    expect(await added(type, config, credential)).toEqual({ authorization: 'Bearer k3y' });
  });

  it.each(places)('for which the author names the header goes to %s at %j as it says', async (type, config) => {
    const credential = await fixed({ header: 'X-Gateway-Key' }).getToken(fakeRun());
    expect(await added(type, config, credential)).toEqual({ 'x-gateway-key': 'k3y' });
  });
});

describe('a token', () => {
  it.each(places)('of a token server goes to %s at %j as a bearer token', async (type, config) => {
    expect(await added(type, config, tokenCredential('t0ken', bearer))).toEqual({ authorization: 'Bearer t0ken' });
  });
});
