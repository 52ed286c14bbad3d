import { geminiBackend } from '../../src/backends/gemini.ts';
import type { Backend } from '../../src/kernel/component.ts';
import type { ChatRequest, ContentBlock, Message } from '../../src/kernel/request.ts';
import { geminiParser } from '../../src/parsers/gemini.ts';
import { fakeRun } from './chat-run.ts';
import { TestClock } from './test-clock.ts';

export type Json = Record<string, unknown>;
export type Config = Parameters<typeof geminiBackend.create>[0];

export const studio = { baseUrl: 'https://generativelanguage.googleapis.com', model: 'gemini-2.5-flash' };
export const vertex = { project: 'p-1', location: 'europe-west4' };
export const build = (config: Partial<Config> = {}): Backend =>
  geminiBackend.create({ ...studio, ...config }, { clock: new TestClock() });

/** The body that is sent, and what was said to be left out. */
export function send(
  request: ChatRequest,
  config: Partial<Config> = {},
): { readonly body: Json; readonly lost: readonly string[] } {
  const lost: string[] = [];
  const run = fakeRun({ lose: (what) => void (lost.includes(what) || lost.push(what)) });
  return { body: JSON.parse(build(config).encode(request, run).body) as Json, lost };
}
export const sent = (request: ChatRequest, config: Partial<Config> = {}): Json => send(request, config).body;

export const parse = (body: Json): ChatRequest => geminiParser.create({}, {}).parse(body, { model: 'm', stream: true });
export const user = (...content: ContentBlock[]): Message => ({ role: 'user', content });
export const assistant = (...content: ContentBlock[]): Message => ({ role: 'assistant', content });
export const text = (value: string): ContentBlock => ({ kind: 'text', text: value });
export const call = (callId: string, name: string, json: string): ContentBlock => ({
  kind: 'tool_call',
  callId,
  name,
  arguments: json,
});
export const result = (callId: string, ...content: ContentBlock[]): Message => ({ role: 'tool', callId, content });
