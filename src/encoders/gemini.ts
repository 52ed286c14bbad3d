import { defineEncoder, type Encoder } from '../kernel/component.ts';
import { gemini } from '../kernel/dialects/gemini-fields.ts';
import { strictObject } from '../kernel/schema.ts';
import { GeminiStreamEncoder } from './gemini/stream-encoder.ts';
import { writeDocument } from './gemini/write-document.ts';
import { writeError } from './gemini/write-error.ts';

/** Answers in the format of the Gemini API: chunks, documents, errors and the list of models. */
export const geminiEncoder = defineEncoder({
  type: gemini,
  summary: 'Writes answers in the format of the Gemini API.',
  config: strictObject({}),
  needs: [],
  examples: [{ title: 'Chunks of a response, or one document' }],
  create: (): Encoder => ({
    dialect: gemini,
    open: (context) => new GeminiStreamEncoder(context),
    encodeAnswer: writeDocument,
    encodeError: (error, requestId) => ({
      contentType: 'application/json',
      body: writeError(error, requestId),
    }),
    encodeModels: (models) => ({
      models: models.map(({ id }) => ({
        name: `models/${id}`,
        baseModelId: id,
        displayName: id,
        supportedGenerationMethods: ['generateContent', 'streamGenerateContent'],
      })),
    }),
  }),
});
