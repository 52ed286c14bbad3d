import { afterEach, describe, expect, it } from '@jest/globals';
import {
  answerBody,
  doneFrame,
  errorBody,
  errorFrame,
  finishFrame,
  roleFrame,
  sseFrame,
  textFrame,
} from '../support/openai-stream.ts';
import { answering, streaming } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { playFaults, type FaultCase } from './fault-case.ts';
import { documents, forms } from './seen.ts';
import { closeStages, openStage } from './stage.ts';

afterEach(closeStages);

const begun = [roleFrame(), textFrame('Hel'), textFrame('lo')];
const rest = [finishFrame(), doneFrame];
const page = '<!doctype html><html><body><h1>It works!</h1></body></html>';
const html = { 'content-type': 'text/html; charset=utf-8' };

describe(row('error-under-200'), () => {
  const errors: readonly (readonly [
    name: string,
    error: Parameters<typeof errorBody>[0],
    code: FaultCase['code'],
    status: number,
  ])[] = [
    ['of no class', { message: 'broken' }, 'UPSTREAM_ERROR', 502],
    ['of a rate limit', { message: 'slow', type: 'rate_limit_error' }, 'UPSTREAM_RATE_LIMITED', 429],
    ['of overload', { message: 'busy', type: 'overloaded_error' }, 'UPSTREAM_OVERLOADED', 503],
    ['of a credential', { message: 'no', type: 'authentication_error' }, 'UPSTREAM_AUTH', 502],
    ['of the request', { message: 'too long', type: 'invalid_request_error' }, 'UPSTREAM_REJECTED', 400],
  ];
  playFaults(
    errors.flatMap(([name, error, code, status]): FaultCase[] => [
      {
        name: `a document with an error ${name}`,
        stage: { upstream: answering(200, errorBody(error)) },
        ...(code && { code }),
        status,
      },
      {
        name: `a first event with an error ${name}`,
        stage: { upstream: streaming([errorFrame(error)]) },
        ...(code && { code }),
        status,
      },
      {
        name: `an error ${name} behind the role`,
        stage: { upstream: streaming([roleFrame(), errorFrame(error)]) },
        ...(code && { code }),
        status,
      },
    ]),
  );
  playFaults([
    {
      name: 'a document that is no answer',
      stage: { upstream: answering(200, { hello: 'world' }) },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'a document that is no JSON',
      stage: { upstream: answering(200, 'nope') },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    { name: 'an empty document', stage: { upstream: answering(200, '') }, code: 'UPSTREAM_BAD_CONTENT', status: 502 },
    {
      name: 'a good document though a stream was asked for',
      stage: { upstream: answering(200, answerBody({ text: ['whole'] })) },
      text: 'whole',
    },
  ]);
});

describe(row('error-mid-stream'), () => {
  const named = (type: string): string => sseFrame(errorBody({ message: 'x', type }), 'error');
  playFaults([
    {
      name: 'in a frame',
      stage: { upstream: streaming([...begun, errorFrame({ message: 'broken' }), ...rest]) },
      code: 'UPSTREAM_ERROR',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'in an event named error',
      stage: { upstream: streaming([...begun, named('overloaded_error'), ...rest]) },
      code: 'UPSTREAM_OVERLOADED',
      status: 503,
      text: 'Hello',
    },
    {
      name: 'as plain words',
      stage: { upstream: streaming([...begun, 'event: error\ndata: it broke\n\n', ...rest]) },
      code: 'UPSTREAM_ERROR',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'and the provider stays',
      stage: { upstream: streaming([...begun, errorFrame({ message: 'broken' })], ['stall']) },
      code: 'UPSTREAM_ERROR',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'behind the finish reason',
      stage: { upstream: streaming([...begun, finishFrame(), errorFrame({ message: 'broken' })]) },
      forms: documents,
      code: 'UPSTREAM_ERROR',
      status: 502,
    },
  ]);
});

describe(row('html'), () => {
  playFaults([
    {
      name: 'a page under 200',
      stage: { upstream: answering(200, page, html) },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'a page under 404',
      stage: { upstream: answering(404, page, html) },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    { name: 'a page under 502', stage: { upstream: answering(502, page, html) }, code: 'UPSTREAM_5XX', status: 502 },
    {
      name: 'a page under 503',
      stage: { upstream: answering(503, page, html) },
      code: 'UPSTREAM_OVERLOADED',
      status: 503,
    },
    {
      name: 'an event stream as text/plain',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'text/plain' } },
          { write: { text: [...begun, ...rest].join('') } },
        ],
      },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'an event stream without a content type',
      stage: { upstream: [{ status: 200 }, { write: { text: [...begun, ...rest].join('') } }] },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'a page that calls itself an event stream',
      stage: { upstream: streaming([page]) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
    },
    {
      name: 'a page that never ends',
      stage: { upstream: [{ status: 200, headers: html }, { forever: { text: page } }] },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'nothing, under 204',
      stage: { upstream: [{ status: 204, framing: 'length', length: 0 }] },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
  ]);

  it.each(forms)('shows nothing of the page (%s)', async (form) => {
    for (const status of [200, 404, 500]) {
      const stage = await openStage({ upstream: answering(status, page, html) });
      const client = await stage.ask(form);
      await client.end();
      expect(client.received.includes('It works')).toBe(false);
    }
  });
});
