import { anthropicMessagesBackend } from '../../src/backends/anthropic-messages.ts';
import type { Backend } from '../../src/kernel/component.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import { fakeRun } from './chat-run.ts';
import { createInstance } from './component-instance.ts';
import { testRun } from './test-run.ts';

export type Json = Record<string, unknown>;

/** A backend of the Anthropic format, with the defaults of its config. */
export const anthropicBackend = (config: Json = {}): Backend =>
  createInstance(
    anthropicMessagesBackend,
    { baseUrl: 'https://api.anthropic.com', model: 'claude', ...config },
    testRun().capabilities,
  );

const plain = anthropicBackend();

/** The body that is sent for a request, and what was named as left out. */
export function sent(request: ChatRequest, config?: Json): { body: Json; lost: readonly string[] } {
  const lost: string[] = [];
  const backend = config === undefined ? plain : anthropicBackend(config);
  const { body } = backend.encode(request, fakeRun({ lose: (what) => void lost.push(what) }));
  return { body: JSON.parse(body) as Json, lost };
}
