import { describe, expect, it } from '@jest/globals';
import { readEnd, writeEnd } from '../../../src/kernel/dialects/openai-responses-fields.ts';
import { readSettings, writeSettings } from '../../../src/kernel/dialects/openai-responses-settings.ts';

const schema = { type: 'object', properties: {} };

describe('settings of the Responses format', () => {
  const bodies: readonly Record<string, unknown>[] = [
    {},
    { max_output_tokens: 9, temperature: 0.5, top_p: 0.1, parallel_tool_calls: false, user: 'u' },
    { temperature: null, tool_choice: null, text: null, reasoning: null },
    { text: { format: { type: 'text' } } },
    { text: { format: { type: 'json_object' }, verbosity: 'low' } },
    { text: { verbosity: 'high' } },
    { text: { format: { type: 'json_schema', name: 'n', schema, strict: null } } },
    { text: { format: { type: 'json_schema', name: 'n', schema, strict: true, description: 'd' } } },
    { reasoning: { effort: 'low' } },
    { reasoning: { effort: null, summary: null } },
    { reasoning: { effort: 'high', summary: 'detailed', mode: 'x' } },
    { reasoning: { generate_summary: 'concise' } },
    { reasoning: {} },
    { tool_choice: 'required' },
    { tool_choice: { type: 'function', name: 'f' } },
    { tool_choice: { type: 'custom', name: 'f' } },
    { tool_choice: { type: 'web_search' } },
    { tool_choice: { type: 'mcp', server_label: 's', name: 'n' } },
    { tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] } },
    { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'mcp', server_label: 's' }] } },
  ];

  it.each(bodies.map((body) => [JSON.stringify(body), body] as const))(
    '%s is written as it was read',
    (_text, body) => {
      const { settings, originals } = readSettings(body);
      expect(writeSettings(settings, originals)).toEqual(body);
    },
  );

  it('have unified names', () => {
    const body = {
      max_output_tokens: 9,
      text: { format: { type: 'json_schema', name: 'n', schema, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'low', summary: 'auto' },
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
    };
    expect(readSettings(body)).toEqual({
      settings: {
        maxOutputTokens: 9,
        responseFormat: { type: 'json_schema', name: 'n', schema, strict: true },
        reasoningEffort: 'low',
        showReasoning: true,
        toolChoice: { allowed: ['f'], mode: 'auto' },
      },
      originals: { text: body.text },
    });
  });

  it('that a step changed win over what the client sent, and leave the rest of its field', () => {
    const { settings, originals } = readSettings({
      text: { format: { type: 'json_object' }, verbosity: 'low' },
      reasoning: { effort: 'low', summary: 'detailed', mode: 'x' },
      tool_choice: { type: 'web_search' },
    });
    const changed = {
      ...settings,
      responseFormat: { type: 'text' },
      reasoningEffort: 'high',
      toolChoice: 'none',
    } as const;
    expect(writeSettings(changed, originals)).toEqual({
      text: { format: { type: 'text' }, verbosity: 'low' },
      reasoning: { effort: 'high', summary: 'detailed', mode: 'x' },
      tool_choice: 'none',
    });
    expect(writeSettings({ showReasoning: true }, {})).toEqual({ reasoning: { summary: 'auto' } });
    expect(writeSettings({ showReasoning: false }, originals)).toMatchObject({ reasoning: { mode: 'x' } });
  });

  it.each([
    [{ temperature: 'hot' }, 'temperature'],
    [{ max_output_tokens: 0 }, 'max_output_tokens'],
    [{ text: 'json' }, 'text'],
    [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
    [{ text: { format: { type: 'json_schema', name: 'n' } } }, 'text.format.schema'],
    [{ text: { format: { type: 'json_schema', schema } } }, 'text.format.name'],
    [{ text: { format: { type: 'json_schema', name: 'n', schema: { type: 'thing' } } } }, 'text.format.schema.type'],
    [{ reasoning: { effort: 3 } }, 'reasoning.effort'],
    [{ tool_choice: 'sometimes' }, 'tool_choice'],
    [{ tool_choice: { type: 'function' } }, 'tool_choice.name'],
    [{ tool_choice: { type: 'allowed_tools', mode: 'auto' } }, 'tool_choice.tools'],
  ] as const)('%j is refused at %s', (body, field) => {
    expect(() => readSettings(body)).toThrow(expect.objectContaining({ details: expect.objectContaining({ field }) }));
  });
});

describe('the end of a response', () => {
  it.each([
    [{ status: 'completed' }, false, 'stop', 'completed'],
    [{ status: 'completed' }, true, 'tool_calls', 'completed'],
    [
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      false,
      'length',
      'max_output_tokens',
    ],
    [
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
      false,
      'content_filter',
      'content_filter',
    ],
    [{ status: 'incomplete', incomplete_details: null }, true, 'length', 'incomplete'],
    [{ status: 'failed' }, false, 'error', 'failed'],
  ] as const)('%j, a call: %s', (response, called, unified, raw) => {
    expect(readEnd(response, called)).toEqual({ unified, raw });
    expect(writeEnd(unified).status).toBe(response.status);
  });
});
