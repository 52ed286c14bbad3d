import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { neutralClients } from './clients.ts';
import { Stage } from './matrix/stage.ts';
import type { NeutralAnswer, NeutralClient, NeutralProvider, NeutralRequest } from './neutral.ts';
import { neutralProviders } from './providers.ts';

const request: NeutralRequest = { messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] };
const answer: NeutralAnswer = {
  text: ['One, ', 'two, ', 'three, ', 'four.'],
  finish: 'stop',
  usage: { input: 12, output: 8 },
};

/** What the client is told for a status of the provider: the status, and the word of its format for the failure. */
const told = {
  400: { status: 400, openai: 'invalid_request_error', anthropic: 'invalid_request_error', gemini: 'INVALID_ARGUMENT' },
  // The credential is the gateway's: its client has done nothing wrong, and can do nothing about it.
  401: { status: 502, openai: 'upstream_error', anthropic: 'api_error', gemini: 'UNAVAILABLE' },
  404: { status: 404, openai: 'invalid_request_error', anthropic: 'not_found_error', gemini: 'NOT_FOUND' },
  429: { status: 429, openai: 'rate_limit_error', anthropic: 'rate_limit_error', gemini: 'RESOURCE_EXHAUSTED' },
  500: { status: 502, openai: 'upstream_error', anthropic: 'api_error', gemini: 'UNAVAILABLE' },
  529: { status: 503, openai: 'server_error', anthropic: 'overloaded_error', gemini: 'UNAVAILABLE' },
} as const;
type Status = keyof typeof told;
const codes: Readonly<Record<Status, string>> = {
  400: 'UPSTREAM_REJECTED',
  401: 'UPSTREAM_AUTH',
  404: 'UPSTREAM_REJECTED',
  429: 'UPSTREAM_RATE_LIMITED',
  500: 'UPSTREAM_5XX',
  529: 'UPSTREAM_OVERLOADED',
};

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(neutralProviders);
});
afterAll(() => stage.close());

/** Runs a check for all providers at once, each of which answers one request at a time. */
async function forAll(
  check: (provider: NeutralProvider) => Promise<unknown>,
): Promise<Readonly<Record<string, unknown>>> {
  const results = await Promise.all(
    neutralProviders.map(async (provider) => [provider.type, await check(provider)] as const),
  );
  return Object.fromEntries(results);
}

const all = (value: unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(neutralProviders.map(({ type }) => [type, value]));

describe.each(neutralClients)('a client of $dialect', (client) => {
  it.each([400, 401, 404, 429, 500, 529] as const)('is told what a %i of the provider means', async (status) => {
    const ask = (stream: boolean) =>
      forAll(async (provider) => {
        const reply = provider.refusal(status);
        const read = await stage.ask(client, provider, request, stream, { reply: () => reply });
        const words = Buffer.concat(reply.pieces).toString('utf8');
        const { message, type, code } = client.readError(read.body.toString('utf8'));
        return {
          status: read.status,
          type: client.dialect === 'native' ? code : type,
          // A provider may repeat the prompt or a credential, so its words are only for what the client has to correct.
          words: words.includes(JSON.stringify(message).slice(1, -1)),
          wait: status === 429 && reply.headers['retry-after'] !== undefined ? read.headers['retry-after'] : '7',
        };
      });
    const expected = { status: statusFor(client, status), type: typeFor(client, status), words: false, wait: '7' };
    for (const stream of [true, false]) expect(await ask(stream)).toEqual(all(expected));
  });

  it('is told that the answer failed on the way, behind what had come', async () => {
    const results = await forAll(async (provider) => {
      const { body } = await stage.ask(client, provider, request, true, {
        reply: () => provider.failing(answer),
        cut: 7,
      });
      return howItEnded(client, body);
    });
    expect(results).toEqual(all({ end: 'error', isBeginning: true, finish: undefined }));
  });

  it('is told that the answer was cut off', async () => {
    const results = await forAll(async (provider) => {
      const { body } = await stage.ask(client, provider, request, true, {
        reply: () => provider.truncated(answer),
        cut: 11,
      });
      return howItEnded(client, body);
    });
    expect(results).toEqual(all({ end: 'error', isBeginning: true, finish: undefined }));
  });
});

function howItEnded(client: NeutralClient, body: Buffer): object {
  const { end, answer: read, error } = client.readStream(body);
  const whole = (answer.text ?? []).join('');
  const isBeginning = read.text !== '' && whole.startsWith(read.text);
  return { end: end === 'cut' ? `cut: ${error?.message ?? ''}` : end, isBeginning, finish: read.finish };
}

/** Clients of Anthropic know a status of their own for an overload. */
function statusFor({ dialect }: NeutralClient, status: Status): number {
  return dialect === 'anthropic-messages' && status === 529 ? 529 : told[status].status;
}

function typeFor({ dialect }: NeutralClient, status: Status): string | undefined {
  if (dialect === 'native') return codes[status];
  if (dialect === 'ollama') return undefined;
  if (dialect === 'anthropic-messages') return told[status].anthropic;
  return dialect === 'gemini' ? told[status].gemini : told[status].openai;
}
