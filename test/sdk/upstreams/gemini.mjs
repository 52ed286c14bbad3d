import { textOf } from './scripted-answers.mjs';

/** Google ends its lines with CRLF. */
const frame = (data) => `data: ${JSON.stringify(data)}\r\n\r\n`;
const about = { modelVersion: 'mock-1', responseId: 'resp-1' };
const candidate = (parts, rest = {}) => ({ candidates: [{ content: { role: 'model', parts }, index: 0, ...rest }] });
const usageOf = ({ input, output }) => ({
  usageMetadata: { promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output },
});
const statusWords = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 429: 'RESOURCE_EXHAUSTED', 503: 'UNAVAILABLE' };
const callParts = ({ calls = [], proof }) =>
  calls.map(({ name, arguments: json }, index) => ({
    functionCall: { name, args: JSON.parse(json) },
    ...(index === 0 && proof !== undefined && { thoughtSignature: proof }),
  }));
/** The proof stands on the part that follows the thought. */
const provenText = ({ calls, proof }) =>
  calls === undefined && proof !== undefined ? { thoughtSignature: proof } : {};

/** The Gemini API of Google. Calls have no ids here, as often in truth: their results are known by the name. */
export const gemini = {
  type: 'gemini',
  config: {},
  contentType: 'text/event-stream',
  callName: ({ name }) => name,
  wantsStream: ({ url }) => url.includes(':streamGenerateContent'),

  frames: (answer) => [
    ...(answer.thinking ?? []).map((text) => frame({ ...candidate([{ text, thought: true }]), ...about })),
    ...(answer.text ?? []).map((text, index) =>
      frame({ ...candidate([{ text, ...(index === 0 && provenText(answer)) }]), ...about }),
    ),
    ...callParts(answer).map((part) => frame({ ...candidate([part]), ...about })),
    frame({ ...candidate([{ text: '' }], { finishReason: 'STOP' }), ...usageOf(answer.usage), ...about }),
  ],

  document: (answer) => ({
    ...candidate(
      [
        ...(answer.thinking === undefined ? [] : [{ text: answer.thinking.join(''), thought: true }]),
        ...(answer.text === undefined ? [] : [{ text: textOf(answer), ...provenText(answer) }]),
        ...callParts(answer),
      ],
      { finishReason: 'STOP' },
    ),
    ...usageOf(answer.usage),
    ...about,
  }),

  refusal: ({ status, message }) => ({ error: { code: status, message, status: statusWords[status] ?? 'INTERNAL' } }),
  failure: (message) => frame({ error: { code: 500, message, status: 'INTERNAL' } }),

  results: ({ contents }) =>
    partsOf(contents)
      .filter(({ functionResponse }) => functionResponse !== undefined)
      .map(({ functionResponse: { name, response } }) => ({ call: name, text: Object.values(response).join('') })),
  proofs: ({ contents }) =>
    partsOf(contents)
      .map(({ thoughtSignature }) => thoughtSignature)
      .filter(Boolean),
};

const partsOf = (contents) => contents.flatMap(({ parts = [] }) => parts);
