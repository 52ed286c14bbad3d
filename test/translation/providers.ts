import type { NeutralProvider } from './neutral.ts';
import { anthropicMessagesProvider } from './providers/anthropic-messages.ts';
import { bedrockConverseProvider } from './providers/bedrock-converse.ts';
import { cohereProvider } from './providers/cohere.ts';
import { geminiProvider } from './providers/gemini.ts';
import { ollamaProvider } from './providers/ollama.ts';
import { openaiChatProvider } from './providers/openai-chat.ts';
import { openaiResponsesProvider } from './providers/openai-responses.ts';

/** Every upstream format that the product speaks. */
export const neutralProviders: readonly NeutralProvider[] = [
  openaiChatProvider,
  openaiResponsesProvider,
  anthropicMessagesProvider,
  geminiProvider,
  bedrockConverseProvider,
  ollamaProvider,
  cohereProvider,
];
