import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { neutralClients } from './clients.ts';
import { cases } from './matrix/cases.ts';
import type { Cut } from './matrix/cuts.ts';
import { Stage } from './matrix/stage.ts';
import type { NeutralClient, NeutralProvider, NeutralReading } from './neutral.ts';
import { neutralProviders } from './providers.ts';

const names = ['text in many scripts', 'text with tool calls behind it', 'reasoning'];
const sample = cases.filter(({ name }) => names.includes(name));

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(neutralProviders);
});
afterAll(() => stage.close());

/** Wherever a network cuts the bytes of a provider, its clients read the same. */
describe.each(sample)('$name', (one) => {
  const read = async (client: NeutralClient, provider: NeutralProvider, cut: Cut): Promise<NeutralReading> => {
    const play = { reply: () => provider.stream(one.answer), cut };
    const { body } = await stage.ask(client, provider, one.request, true, play);
    return client.readStream(body);
  };

  it('is read the same, byte by byte', async () => {
    await Promise.all(
      neutralProviders.map(async (provider, index) => {
        const client = neutralClients[(index + names.indexOf(one.name)) % neutralClients.length];
        if (client === undefined) return;
        const whole = await read(client, provider, 'whole');
        expect(whole.end).toBe('ok');
        expect({ provider: provider.type, ...(await read(client, provider, 'bytes')) }).toEqual({
          provider: provider.type,
          ...whole,
        });
      }),
    );
  });

  it.each(neutralClients)('is read the same by a client of $dialect, cut anywhere', async (client) => {
    await Promise.all(
      neutralProviders.map(async (provider) => {
        const readings: NeutralReading[] = [];
        for (let seed = 0; seed < 4; seed += 1) readings.push(await read(client, provider, seed * 97));
        for (const reading of readings) expect(reading).toEqual(readings[0]);
        expect(readings[0]?.end).toBe('ok');
      }),
    );
  });
});
