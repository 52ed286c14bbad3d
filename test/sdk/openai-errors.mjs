import assert from 'node:assert/strict';
import OpenAI from 'openai';

const classes = {
  400: OpenAI.BadRequestError,
  404: OpenAI.NotFoundError,
  429: OpenAI.RateLimitError,
  502: OpenAI.InternalServerError,
  503: OpenAI.InternalServerError,
};

/** Proves that an error of OpenAI's client is of the class that belongs to the status; without one it came in a stream. */
export function readOpenAiError(error, status) {
  const expected = classes[status] ?? OpenAI.APIError;
  assert.ok(error instanceof expected, `${error.constructor.name}: ${error.message}`);
  assert.ok(error.code, 'the error has a code');
  return { status: error.status, message: error.message, retryAfter: error.headers?.get('retry-after') };
}
