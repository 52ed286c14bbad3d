import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { probe, type ProbeRequest } from '../support/probe-client.ts';
import { scriptedBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';

const backends = { scripted: scriptedBackend([{ say: 'the secret plan', deltaCharacters: 3 }], { chunkBytes: 50 }) };
const modifiers = [{ type: 'mask-words', config: { words: ['secret'] } }];
const chat = (stream: boolean): ProbeRequest => ({
  path: '/pipelines/plan/v1/chat/completions',
  body: { stream, messages: [{ role: 'user', content: 'hi' }] },
});

describe('a pipeline from its file', () => {
  let sluice: Sluice<Clock>;
  beforeAll(async () => {
    sluice = await startSluice({ clock: systemClock, pipelines: { plan: { backends, modifiers } } });
  });
  afterAll(() => sluice.close());

  it('answers in one piece', async () => {
    const client = await probe({ port: sluice.port }, chat(false));
    expect(await client.end()).toBe('complete');
    const response = await client.response();
    expect([response.status, response.json()]).toEqual([
      200,
      expect.objectContaining({
        choices: [
          expect.objectContaining({
            message: expect.objectContaining({ role: 'assistant', content: 'the *** plan' }),
            finish_reason: 'stop',
          }),
        ],
      }),
    ]);
    client.destroy();
  });
});
