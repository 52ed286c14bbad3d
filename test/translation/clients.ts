import { anthropicMessagesClient } from './clients/anthropic-messages.ts';
import { geminiClient } from './clients/gemini.ts';
import { nativeClient } from './clients/native.ts';
import { ollamaClient } from './clients/ollama.ts';
import { openAiChatClient } from './clients/openai-chat.ts';
import { openAiResponsesClient } from './clients/openai-responses.ts';
import type { NeutralClient } from './neutral.ts';

/** One client per dialect that Sluice takes requests in. */
export const neutralClients: readonly NeutralClient[] = [
  openAiChatClient,
  openAiResponsesClient,
  anthropicMessagesClient,
  geminiClient,
  ollamaClient,
  nativeClient,
];
