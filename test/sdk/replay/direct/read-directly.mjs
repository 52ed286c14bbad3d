import { wireBytes } from '../framing.mjs';
import { broken, failed } from '../reading.mjs';
import { readAnthropic } from './anthropic.mjs';
import { readBedrock } from './bedrock.mjs';
import { readChat } from './chat.mjs';
import { readCohere } from './cohere.mjs';
import { readGemini } from './gemini.mjs';
import { readOllama } from './ollama.mjs';
import { readResponses } from './responses.mjs';

const readers = {
  'anthropic-messages': readAnthropic,
  'bedrock-converse': readBedrock,
  cohere: readCohere,
  gemini: readGemini,
  ollama: readOllama,
  'openai-chat': readChat,
  'openai-responses': readResponses,
};

/** What a recording says, read without any code of the product. A frame that is no JSON breaks an answer. */
export function readDirectly(recording) {
  if (recording.isError) return { ...failed, status: recording.status };
  try {
    return readers[recording.backend.type](wireBytes(recording).bytes);
  } catch (error) {
    if (error instanceof SyntaxError) return broken;
    throw error;
  }
}
