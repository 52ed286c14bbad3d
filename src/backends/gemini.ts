import Type from 'typebox';
import { defineBackend, type Backend } from '../kernel/component.ts';
import { readTarget, targetFields } from '../kernel/dialects/backend-target.ts';
import { strictObject } from '../kernel/schema.ts';
import { decodeGeminiBody } from './gemini/decode-body.ts';
import { encodeGeminiRequest } from './gemini/encode-request.ts';
import { modelPath } from './gemini/model-address.ts';
import { failureFromStatus } from './gemini/provider-failure.ts';
import { GeminiStreamDecoder } from './gemini/stream-decoder.ts';

const word = (description: string) =>
  Type.String({
    pattern: '^[a-zA-Z0-9][a-zA-Z0-9.:_-]{0,127}$',
    'x-hint': 'letters, digits, ".", ":", "_" and "-"',
    description,
  });

const config = strictObject({
  ...targetFields(
    'Address of the API; the version, the path of the model and the method are added to it, a query is kept.',
    'https://generativelanguage.googleapis.com',
  ),
  apiVersion: Type.Optional(
    Type.String({
      pattern: '^v[0-9]{1,2}((alpha|beta)[0-9]{0,2})?$',
      'x-hint': '"v1", "v1beta" or "v1alpha"',
      description: 'Version of the API: v1beta when absent, on Vertex AI v1. One at the end of baseUrl wins.',
    }),
  ),
  vertex: Type.Optional(
    strictObject(
      {
        project: word('Id of the project.'),
        location: word('Region, such as "europe-west4", or "global"; that of the address.'),
      },
      { description: 'Where the models of Vertex AI are; absent for AI Studio.' },
    ),
  ),
  safetySettings: Type.Optional(
    Type.Array(
      strictObject({
        category: word('Kind of harm, such as HARM_CATEGORY_HARASSMENT.'),
        threshold: word('What is blocked, such as BLOCK_ONLY_HIGH.'),
        method: Type.Optional(word('How harm is measured, on Vertex AI: SEVERITY or PROBABILITY.')),
      }),
      { maxItems: 32, description: 'Safety settings of requests that bring none.' },
    ),
  ),
});

/**
 * The Gemini API, of Google AI Studio and of Vertex AI. `create` throws a TypeError for an address, a header or a model
 * name that can't be used.
 */
export const geminiBackend = defineBackend({
  type: 'gemini',
  summary: 'Calls Gemini models through Google AI Studio or Vertex AI.',
  config,
  needs: ['clock'],
  examples: [
    {
      title: 'Google AI Studio',
      config: { baseUrl: 'https://generativelanguage.googleapis.com', model: 'gemini-2.5-flash' },
    },
    {
      title: 'Vertex AI',
      config: {
        baseUrl: 'https://europe-west4-aiplatform.googleapis.com',
        vertex: { project: 'example-project', location: 'europe-west4' },
        model: 'gemini-2.5-pro',
      },
    },
    {
      title: 'With safety settings of its own',
      config: {
        baseUrl: 'https://generativelanguage.googleapis.com',
        apiVersion: 'v1',
        model: 'models/gemini-2.5-flash-lite',
        safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_ONLY_HIGH' }],
      },
    },
  ],
  create({ baseUrl, model, headers, apiVersion, vertex, safetySettings }, { clock }): Backend {
    const base = readTarget(baseUrl, headers);
    const path = modelPath({ basePath: base.basePath, apiVersion, vertex, model });
    // What Vertex AI takes are tokens.
    const keyHeader = { keyHeader: 'x-goog-api-key' };
    const target = { ...base, ...(vertex === undefined && keyHeader), model, modelPath: path, safetySettings };
    return {
      origin: target.origin,
      model,
      encode: (request, run) => encodeGeminiRequest(request, target, run),
      decode: () => new GeminiStreamDecoder(),
      decodeBody: (body) => decodeGeminiBody(body),
      decodeError: (head, body) => failureFromStatus(head, body, clock.wallTime()),
    };
  },
});
