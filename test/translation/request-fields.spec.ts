import { describe, expect, it } from '@jest/globals';
import type { Parser } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { createInstance } from '../support/component-instance.ts';
import { backendOf } from '../support/play-answer.ts';
import { providerNames } from '../support/rich-answers.ts';
import { productRegistry } from '../support/sluice.ts';
import { testRun } from '../support/test-run.ts';

/*
 * Nothing that a client asked for is dropped in silence: each field that a dialect documents changes what a provider of
 * another format is asked, or is named as lost.
 */

type Json = Readonly<Record<string, unknown>>;

const registry = await productRegistry();
const schema = { type: 'object', properties: { a: { type: 'string' } } };
const question = [{ role: 'user', content: 'hi' }];
const called = { type: 'function', function: { name: 'f', parameters: schema } };

/** A request with a tool, for fields that mean nothing without one. */
const bodies: Readonly<Record<string, Json>> = {
  'openai-chat': { model: 'm', messages: question, tools: [called] },
  'openai-responses': { model: 'm', input: question, tools: [{ type: 'function', name: 'f', parameters: schema }] },
  'anthropic-messages': {
    model: 'm',
    max_tokens: 50,
    messages: question,
    tools: [{ name: 'f', input_schema: schema }],
  },
  gemini: {
    contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
    tools: [{ functionDeclarations: [{ name: 'f', parameters: schema }] }],
  },
  ollama: { model: 'm', messages: question, tools: [called] },
};

/** Values of all kinds; each field is given those that its parser takes. */
const anything: readonly unknown[] = [
  0.5,
  3,
  true,
  'none',
  'low',
  'x',
  'json',
  '5m',
  ['x'],
  { type: 'x' },
  { type: 'enabled', budget_tokens: 1024 },
  { type: 'none' },
  { effort: 'high' },
  { type: 'json_object' },
  { a: 'b' },
  [{ type: 'x' }],
  [{ type: 'url', url: 'https://x.invalid', name: 'n' }],
  { temperature: 0.5 },
  { functionCallingConfig: { mode: 'ANY' } },
  { format: { type: 'text' }, verbosity: 'low' },
  [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
  -1,
];
/** Fields that need a value of their own, or another field. */
const given: Readonly<Record<string, readonly unknown[]>> = {
  logprobs: [true],
  top_logprobs: [3],
  parallel_tool_calls: [false],
  output_format: [{ type: 'json_schema', schema }],
  // That there is no reasoning is what happens anyway.
  reasoning_effort: ['low'],
  think: [true],
  system_instruction: [{ parts: [{ text: 'Be brief.' }] }],
  systemInstruction: [{ parts: [{ text: 'Be brief.' }] }],
};
const beside: Readonly<Record<string, Json>> = { top_logprobs: { logprobs: true } };
/** How the answer comes, and what the body has already. */
const structural = new Set([
  'stream',
  'stream_options',
  'model',
  'messages',
  'input',
  'contents',
  'tools',
  'max_tokens',
]);

function parserOf(dialect: string): { readonly parser: Parser; readonly fields: readonly string[] } {
  const component = registry.get('parser', dialect);
  if (component === undefined) throw new Error(`no parser ${dialect}`);
  return {
    parser: createInstance(component, {}, testRun().capabilities),
    fields: [...(component.fields ?? [])].filter((field) => !structural.has(field)),
  };
}

/** What a provider is asked, and what is named as lost; undefined for a body that is refused. */
function asked(parser: Parser, body: Json, backend: (typeof providerNames)[number]): string | undefined {
  const { run, lost } = testRun();
  try {
    const request = backendOf(backend).encode(parser.parse(body), run);
    return JSON.stringify([request.path, request.headers, request.body, [...lost].sort()]);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'REQUEST_INVALID') return undefined;
    throw error;
  }
}

describe.each(Object.keys(bodies))('a request of %s', (dialect) => {
  const { parser, fields } = parserOf(dialect);
  const body = bodies[dialect] ?? {};

  it.each(fields)('with %s says so to every other provider, or names it as lost', (field) => {
    const values = given[field] ?? anything;
    const taken = values.filter((value) => {
      try {
        parser.parse({ ...body, ...beside[field], [field]: value });
        return true;
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return false;
      }
    });
    expect(taken).not.toEqual([]);
    const silent = providerNames
      .filter((backend) => backend !== dialect)
      .flatMap((backend) => {
        const plain = asked(parser, { ...body, ...beside[field] }, backend);
        const same = taken.filter(
          (value) => asked(parser, { ...body, ...beside[field], [field]: value }, backend) === plain,
        );
        return same.map((value) => `${backend}: ${JSON.stringify(value)}`);
      });
    expect(silent).toEqual([]);
  });
});
