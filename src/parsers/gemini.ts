import { defineParser, type PathFields } from '../kernel/component.ts';
import { checkObject, checkString } from '../kernel/dialects/field-check.ts';
import { gemini } from '../kernel/dialects/gemini-fields.ts';
import { readGeminiSettings } from '../kernel/dialects/gemini-settings.ts';
import { furtherFields, inBothSpellings, member } from '../kernel/dialects/gemini-spelling.ts';
import { isObject, orNothing } from '../kernel/json/json-value.ts';
import type { ChatRequest } from '../kernel/request.ts';
import { strictObject } from '../kernel/schema.ts';
import { readContents, readSystem } from './gemini/read-contents.ts';
import { readTools } from './gemini/read-tools.ts';

const readHere = ['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig'] as const;
const documented = [
  ...readHere,
  'safetySettings',
  'cachedContent',
  'labels',
  'serviceTier',
  'store',
  'continuationToken',
  'modelArmorConfig',
] as const;

/**
 * Bodies of the Gemini API (`generateContent` and `streamGenerateContent`), in either spelling. Model and streaming come
 * from the path. Fields without a unified name, at any level, are kept for a backend of the same format.
 */
export const geminiParser = defineParser({
  type: gemini,
  summary: 'Reads requests in the format of the Gemini API.',
  config: strictObject({}),
  needs: [],
  examples: [
    { title: 'One question', body: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] } },
    {
      title: 'A picture and a function',
      body: {
        systemInstruction: { parts: [{ text: 'Be brief.' }] },
        contents: [
          {
            role: 'user',
            parts: [
              { text: 'Where is this?' },
              { fileData: { fileUri: 'https://example.com/place.png', mimeType: 'image/png' } },
            ],
          },
        ],
        tools: [
          {
            functionDeclarations: [
              { name: 'find', parameters: { type: 'OBJECT', properties: { place: { type: 'STRING' } } } },
            ],
          },
        ],
      },
    },
  ],
  fields: inBothSpellings(documented),
  create: () => ({ parse: parseGeminiBody }),
});

function parseGeminiBody(value: unknown, path: PathFields = {}): ChatRequest {
  const body = checkObject(value, 'body');
  const model = path.model ?? readModel(member(body, 'model', ''));
  const stream = path.stream ?? false;
  const read = readGeminiSettings(member(body, 'generationConfig', ''), member(body, 'toolConfig', ''));
  const extension = orNothing({
    ...furtherFields(body, new Set<string>(readHere)),
    ...(read.generationConfig && { generationConfig: read.generationConfig }),
    ...(read.toolConfig && { toolConfig: read.toolConfig }),
  });
  const labels = member(body, 'labels', '').value;
  return {
    dialect: gemini,
    ...(model !== undefined && { model: model.replace(/^models\//, '') }),
    stream,
    // The format always ends a stream with the usage.
    settings: { ...read.settings, ...(stream && { includeUsage: true }) },
    tools: readTools(member(body, 'tools', '')),
    messages: [...readSystem(member(body, 'systemInstruction', '')), ...readContents(member(body, 'contents', ''))],
    metadata: isObject(labels) ? labels : {},
    params: {},
    ...(extension && { ext: { [gemini]: extension } }),
  };
}

function readModel({ value, field }: { readonly value: unknown; readonly field: string }): string | undefined {
  return value === undefined ? undefined : checkString(value, field);
}
