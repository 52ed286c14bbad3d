import type { DialectName } from '../support/dialect-clients.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a conversation says in every dialect: a system prompt first, so that no index is right by chance. */
export interface Speaker {
  /** A body whose user says these parts. */
  readonly user: (...parts: readonly unknown[]) => Json;
  /** Where those parts stand. */
  readonly parts: string;
  /** A part, or undefined where the dialect has none of the kind. */
  readonly text: (text: unknown) => unknown;
  readonly image: (mediaType: string, base64: string) => unknown;
  readonly imageUrl: ((url: string) => unknown) | undefined;
  readonly fileId: ((id: string) => unknown) | undefined;
  readonly audio: ((base64: string) => unknown) | undefined;
  readonly unknownPart: unknown;
  /** A body in which a tool is called and gives these parts, and where they stand. */
  readonly result: ((...parts: readonly unknown[]) => Json) | undefined;
  readonly resultParts: string;
}

export const system = { role: 'system', content: 'Be brief.' };
const fileAtGoogle = 'https://generativelanguage.googleapis.com/v1beta/files/abc';
export const chatCall = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } };
export const question = { role: 'user', content: 'Look.' };
export const dataUri = (mediaType: string, base64: string): string => `data:${mediaType};base64,${base64}`;

const chat: Speaker = {
  user: (...parts) => ({ messages: [system, { role: 'user', content: parts }] }),
  parts: 'messages[1].content',
  text: (text) => ({ type: 'text', text }),
  image: (mediaType, base64) => ({ type: 'image_url', image_url: { url: dataUri(mediaType, base64) } }),
  imageUrl: (url) => ({ type: 'image_url', image_url: { url } }),
  fileId: (id) => ({ type: 'file', file: { file_id: id } }),
  audio: (base64) => ({ type: 'input_audio', input_audio: { data: base64, format: 'wav' } }),
  unknownPart: { type: 'hologram', hologram: 1 },
  result: (...parts) => ({
    messages: [
      system,
      question,
      { role: 'assistant', reasoning_content: 'Hm.', content: 'I look.', tool_calls: [chatCall] },
      { role: 'tool', tool_call_id: 'call_1', content: parts },
    ],
  }),
  resultParts: 'messages[3].content',
};

const responses: Speaker = {
  user: (...parts) => ({ instructions: 'Be brief.', input: [{ role: 'user', content: parts }] }),
  parts: 'input[0].content',
  text: (text) => ({ type: 'input_text', text }),
  image: (mediaType, base64) => ({ type: 'input_image', image_url: dataUri(mediaType, base64) }),
  imageUrl: (url) => ({ type: 'input_image', image_url: url }),
  fileId: (id) => ({ type: 'input_image', file_id: id }),
  audio: (base64) => ({ type: 'input_audio', input_audio: { data: base64, format: 'wav' } }),
  unknownPart: { type: 'input_hologram', hologram: 1 },
  result: (...parts) => ({
    instructions: 'Be brief.',
    input: [
      question,
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
      { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: parts },
    ],
  }),
  resultParts: 'input[4].output',
};

const anthropic: Speaker = {
  user: (...parts) => ({ max_tokens: 100, system: 'Be brief.', messages: [{ role: 'user', content: parts }] }),
  parts: 'messages[0].content',
  text: (text) => ({ type: 'text', text }),
  image: (mediaType, base64) => ({ type: 'image', source: { type: 'base64', media_type: mediaType, data: base64 } }),
  imageUrl: (url) => ({ type: 'image', source: { type: 'url', url } }),
  fileId: (id) => ({ type: 'image', source: { type: 'file', file_id: id } }),
  audio: undefined,
  unknownPart: { type: 'hologram', hologram: 1 },
  result: (...parts) => ({
    max_tokens: 100,
    system: 'Be brief.',
    messages: [
      question,
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'call_1', name: 'look', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Here.' },
          { type: 'tool_result', tool_use_id: 'call_1', content: parts },
        ],
      },
    ],
  }),
  resultParts: 'messages[2].content[1].content',
};

const geminiSpeaker: Speaker = {
  user: (...parts) => ({ systemInstruction: { parts: [{ text: 'Be brief.' }] }, contents: [{ role: 'user', parts }] }),
  parts: 'contents[0].parts',
  text: (text) => ({ text }),
  image: (mediaType, base64) => ({ inlineData: { mimeType: mediaType, data: base64 } }),
  imageUrl: (url) => ({ fileData: { fileUri: url, mimeType: 'image/png' } }),
  fileId: () => ({ fileData: { fileUri: fileAtGoogle, mimeType: 'image/png' } }),
  audio: (base64) => ({ inlineData: { mimeType: 'audio/wav', data: base64 } }),
  unknownPart: { hologram: {} },
  result: (...parts) => ({
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [
      { role: 'user', parts: [{ text: 'Look.' }] },
      { role: 'model', parts: [{ text: 'I ' }] },
      { role: 'model', parts: [{ text: 'look.' }] },
      { role: 'model', parts: [{ functionCall: { name: 'look', args: {} } }] },
      {
        role: 'user',
        parts: [{ text: 'Here.' }, { functionResponse: { name: 'look', response: { output: 'x' }, parts } }],
      },
    ],
  }),
  resultParts: 'contents[4].parts[1].functionResponse.parts',
};

/** Its messages have one text, and images as plain base64 beside it. */
const ollama: Speaker = {
  user: (...parts) => ({ messages: [system, { ...question, images: parts }] }),
  parts: 'messages[1].images',
  text: (text) => text,
  image: (_mediaType, base64) => base64,
  imageUrl: undefined,
  fileId: undefined,
  audio: undefined,
  unknownPart: undefined,
  result: undefined,
  resultParts: '',
};

const native: Speaker = {
  user: (...parts) => ({ messages: [system, { role: 'user', content: parts }] }),
  parts: 'messages[1].content',
  text: (text) => ({ type: 'text', text }),
  image: (mediaType, base64) => ({ type: 'image', mediaType, base64 }),
  imageUrl: (url) => ({ type: 'image', url }),
  fileId: (id) => ({ type: 'file', fileId: id }),
  audio: (base64) => ({ type: 'audio', mediaType: 'audio/wav', base64 }),
  unknownPart: undefined,
  result: (...parts) => ({
    messages: [
      system,
      question,
      {
        role: 'assistant',
        reasoning: 'Hm.',
        content: 'I look.',
        toolCalls: [{ id: 'call_1', name: 'look', arguments: '{}' }],
      },
      { role: 'tool', callId: 'call_1', content: parts },
    ],
  }),
  resultParts: 'messages[3].content',
};

export const speakers: Readonly<Record<DialectName, Speaker>> = {
  'openai-chat': chat,
  'openai-responses': responses,
  'anthropic-messages': anthropic,
  gemini: geminiSpeaker,
  ollama,
  native,
};
