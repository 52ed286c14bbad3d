import type { NeutralProvider, NeutralRequest } from '../../neutral.ts';
import { neutralProviders } from '../../providers.ts';

/** A path of each format, as its clients call it. */
const paths: Readonly<Record<string, string>> = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  'anthropic-messages': '/v1/messages',
  gemini: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
  'bedrock-converse': '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream',
  ollama: '/api/chat',
  cohere: '/v2/chat',
};

export function providerOf(type: string): NeutralProvider {
  const found = neutralProviders.find((one) => one.type === type);
  if (found === undefined) throw new Error(`no provider of the type ${type}`);
  return found;
}

/** A body as the provider of this type reads it. */
export function readAs(type: string, body: object): NeutralRequest {
  return providerOf(type).readRequest(paths[type] ?? '', JSON.stringify(body));
}
