import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askWith, dialectNames, questionOf } from '../support/dialect-clients.ts';
import { bytesOfFrames } from '../support/play-answer.ts';
import { probe } from '../support/probe-client.ts';
import { richAnswers, type ProviderFrame, type ProviderName } from '../support/rich-answers.ts';
import { startSluice, type Sluice } from '../support/sluice.ts';

/*
 * A mask over whole answers with everything in them, on the way through the engine. Every word of the provider that is
 * text of the answer, or tells something about it, is the one that must not leave.
 */

/** What is put in the place of the words, wherever the format has some. */
const leak = 'the secret plan';
const words =
  /"(text|thinking|content|reasoning_content|refusal|explanation|category|thoughts|tool_plan|title|cited_text|delta|summary_text|transcript|finishMessage|output|snippet|renderedContent)":"([^"]+)"/g;

function withLeaks(frames: readonly ProviderFrame[]): readonly ProviderFrame[] {
  return frames.map(({ event, data }) => {
    if (typeof data === 'string' || /arguments|call_code|audio\.delta/.test(event)) return { event, data };
    const text = JSON.stringify(data).replace(words, (_, name: string) => `"${name}":"${leak}"`);
    return { event, data: JSON.parse(text) as Record<string, unknown> };
  });
}

const providers = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'ollama', 'cohere'] as const;
const providerOfPath = (path: string): ProviderName | undefined =>
  providers.find((provider) => path.startsWith(`/${provider}/`));

let server: Server;
let sluice: Sluice;

beforeAll(async () => {
  server = createServer((request, response) => {
    const provider = providerOfPath(request.url ?? '');
    request.resume();
    const type = provider === 'ollama' ? 'application/x-ndjson' : 'text/event-stream';
    response.writeHead(200, { 'content-type': type });
    response.end(provider === undefined ? '' : bytesOfFrames(provider, withLeaks(richAnswers[provider])));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pipelines = providers.map((type) => [
    type,
    {
      backends: {
        only: { type, config: { baseUrl: `${origin}/${type}/v1`, model: 'test-model' }, network: 'private' },
      },
      routing: { default: { to: ['only'] } },
      modifiers: [{ type: 'mask-words', config: { words: ['secret'], match: 'substring' } }],
    },
  ]);
  sluice = await startSluice({ pipelines: Object.fromEntries(pipelines) as Record<string, object> });
});

afterAll(async () => {
  await sluice.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

describe.each(providers)('an answer of %s, with the word in every text', (provider) => {
  it.each(dialectNames)('leaves it out for a client of %s', async (dialect) => {
    for (const stream of [true, false]) {
      const request = askWith(dialect, questionOf(dialect), { pipeline: provider, stream });
      const client = await probe({ port: sluice.port }, request);
      const { status, text } = await client.response();
      client.destroy();
      expect([stream, status]).toEqual([stream, 200]);
      expect(text).toContain('the *** plan');
      expect(text).not.toMatch(/secret/i);
    }
  });
});
