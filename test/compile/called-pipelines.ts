import { afterEach, expect } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { answerBody } from '../support/openai-stream.ts';
import { probe, type ProbeClient } from '../support/probe-client.ts';
import { answering, type Step } from '../support/scenario.ts';
import { scriptedBackend, startSluice, type Sluice, type SluiceOptions } from '../support/sluice.ts';
import { eventually } from '../support/turn.ts';

const messages = [{ role: 'user', content: 'hi' }];
export const story = [{ say: 'The cat sleeps. The dog barks.' }];

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

/** The model that translates: it shouts. A gate makes it wait. */
export async function shouting(gate?: string): Promise<FaultUpstream> {
  const upstream = await startFaultUpstream(({ bodyText }) => {
    const { messages: asked } = JSON.parse(bodyText) as { messages: readonly { role: string; content: string }[] };
    const text = asked.find(({ role }) => role === 'user')?.content ?? '';
    const wait: readonly Step[] = gate === undefined ? [] : [{ wait: gate }];
    return [...wait, ...answering(200, answerBody({ text: [text.toUpperCase()] }))];
  });
  cleanup.push(() => upstream.close());
  return upstream;
}

export async function start(options: Omit<SluiceOptions, 'clock'>): Promise<Sluice> {
  const sluice = await startSluice(options);
  cleanup.push(() => sluice.close().catch(() => undefined));
  return sluice;
}

export const translate = (pipeline: string, config: object = {}): object => ({
  type: 'translate',
  config: { pipeline, language: 'German', ...config },
});
export const telling = (...modifiers: readonly object[]): object => ({
  backends: { story: scriptedBackend(story) },
  modifiers,
});

export function ask(sluice: Sluice, name: string, body: object = {}): Promise<ProbeClient> {
  const path = `/pipelines/${name}/v1/chat/completions`;
  return probe({ port: sluice.port }, { path, body: { stream: true, messages, ...body } });
}

/** The whole text, or the code of the error, of a stream. */
export async function answerOf(client: ProbeClient): Promise<string> {
  await client.end();
  client.destroy();
  const { status, body, text: raw } = await client.response();
  if (status !== 200) return `${status} ${(JSON.parse(raw) as { error: { message: string } }).error.message}`;
  const { text, done, error } = readOpenAiStream(body);
  return error === undefined ? `${text}${done ? '' : ' (cut)'}` : `${text} (${String(error['message'])})`;
}

export const recordsOf = (sluice: Sluice): readonly Readonly<Record<string, unknown>>[] =>
  sluice.log.lines.filter(({ message }) => message === 'run ended').map(({ fields }) => fields);

/** Nothing is left of any run. */
export async function expectNothingLeft(sluice: Sluice): Promise<void> {
  await eventually(() => sluice.metric('streams_live') === 0, 'the runs to end');
  expect(sluice.metric('streams_opened')).toBe(sluice.metric('streams_ended'));
  expect(sluice.metric('upstream_calls_live')).toBe(0);
  expect(sluice.clock.pendingTimers().filter(({ label }) => !label.startsWith('pipeline-folder.ts'))).toEqual([]);
}
