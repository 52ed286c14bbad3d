import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import type { VendorName } from '../../src/backends/openai-chat/vendors.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';
import { chatRequest } from './chat-run.ts';
import { TestClock } from './test-clock.ts';
import { testRun } from './test-run.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface SentToVendor {
  readonly body: Json;
  /** What is said to be left out. */
  readonly lost: readonly string[];
}

/** What a vendor of the chat completions format is sent. */
export function sendToVendor(vendor: VendorName, request: ChatRequest, config: Json = {}): SentToVendor {
  const { run, lost } = testRun();
  const backend = openaiChatBackend.create(
    { baseUrl: 'https://api.example/v1', model: 'm-1', vendor, ...config },
    { clock: new TestClock() },
  );
  return { body: JSON.parse(backend.encode(request, run).body) as Json, lost };
}

export const messagesOf = ({ body }: SentToVendor): readonly Json[] => body['messages'] as readonly Json[];

/** A request of a client of another format. */
export const foreignRequest = (overrides: Partial<ChatRequest> = {}): ChatRequest =>
  chatRequest({ dialect: 'anthropic-messages', stream: false, ...overrides });

/** A request of a client of the chat completions format. */
export const ownRequest = (fields: Json = {}): ChatRequest =>
  openaiChatParser.create({}, {}).parse({ messages: [{ role: 'user', content: 'Hi' }], ...fields });
