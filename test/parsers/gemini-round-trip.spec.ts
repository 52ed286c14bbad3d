import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { geminiBackend } from '../../src/backends/gemini.ts';
import { sameJson } from '../../src/kernel/json/json-value.ts';
import { geminiParser } from '../../src/parsers/gemini.ts';
import { fakeRun } from '../support/chat-run.ts';
import { TestClock } from '../support/test-clock.ts';

type Json = Record<string, unknown>;
const folder = new URL('../../../shared/fixtures/', import.meta.url);
const backend = geminiBackend.create(
  { baseUrl: 'https://generativelanguage.googleapis.com', model: 'gemini-2.5-flash' },
  { clock: new TestClock() },
);

/** The body that the backend sends for what the parser read, and what was lost. */
function send(body: unknown): { readonly sent: Json; readonly lost: readonly string[] } {
  const lost: string[] = [];
  const request = geminiParser.create({}, {}).parse(body, { model: 'gemini-x', stream: true });
  const { body: text } = backend.encode(request, fakeRun({ lose: (what) => void lost.push(what) }));
  return { sent: JSON.parse(text) as Json, lost };
}

describe('a request of the format', () => {
  it('reaches a backend of the format as it was', () => {
    const body = {
      systemInstruction: { role: 'user', parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }] },
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'What is this?' },
            { inlineData: { mimeType: 'image/png', data: 'AAEC', displayName: 'a.png' } },
            { fileData: { fileUri: 'gs://bucket/film', mimeType: 'video/mp4' }, videoMetadata: { fps: 2 } },
          ],
        },
        { role: 'user', parts: [{ text: 'And that?' }] },
        {
          role: 'model',
          parts: [
            { text: 'hm', thought: true, thoughtSignature: 'S0' },
            { functionCall: { name: 'f', args: { a: [1, null] } }, thoughtSignature: 'S1' },
            { functionCall: { name: 'f', args: {}, id: 'x' } },
            { executableCode: { language: 'PYTHON', code: '1' }, thoughtSignature: 'S2' },
            { text: '', thoughtSignature: 'S3' },
          ],
        },
        {
          role: 'function',
          parts: [
            { functionResponse: { name: 'f', response: { temperature: 5 } } },
            { functionResponse: { name: 'f', id: 'x', response: { error: 'no' }, willContinue: false } },
            { text: 'Go on.' },
          ],
        },
      ],
      tools: [
        {
          functionDeclarations: [
            { name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } } },
            { name: 'g', description: 'Does it.', parametersJsonSchema: { type: 'object' }, behavior: 'BLOCKING' },
          ],
        },
        { googleSearch: {} },
      ],
      toolConfig: {
        functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
        retrievalConfig: { languageCode: 'en' },
      },
      generationConfig: {
        temperature: 0,
        candidateCount: 1,
        stopSequences: ['END'],
        responseMimeType: 'application/json',
        responseSchema: { type: 'ARRAY', items: { type: 'INTEGER' }, minItems: '1' },
        thinkingConfig: { includeThoughts: true, thinkingBudget: -1 },
        responseLogprobs: true,
        logprobs: 2,
        mediaResolution: 'MEDIA_RESOLUTION_LOW',
      },
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
      cachedContent: 'cachedContents/1',
      labels: { team: 'x' },
    };
    expect(send(body)).toEqual({ sent: body, lost: [] });
  });

  const recorded = ['gemini', 'vertex-gemini'].flatMap((provider) =>
    existsSync(folder)
      ? readdirSync(new URL(`${provider}/`, folder))
          .filter((file) => file.endsWith('.request.json') && !file.includes('.http4'))
          .map((file) => `${provider}/${file}`)
      : [],
  );
  (recorded.length > 0 ? it : it.skip)('does so as it was recorded (skipped where the recordings are absent)', () => {
    const changed = recorded.filter((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8').replaceAll(
        'parameters_json_schema',
        'parametersJsonSchema',
      );
      const { generationConfig, ...body } = JSON.parse(text) as Json;
      // Nothing set is the same as no settings.
      const isEmpty = generationConfig === undefined || sameJson(generationConfig, {});
      return !sameJson(send(JSON.parse(text)).sent, { ...body, ...(!isEmpty && { generationConfig }) });
    });
    expect(changed).toEqual([]);
  });
});
