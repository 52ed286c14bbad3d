import { describe, expect, it } from '@jest/globals';
import type { ContentBlock, Message } from '../../src/kernel/request.ts';
import { sent, type Json } from '../support/anthropic-backend.ts';
import { chatRequest } from '../support/chat-run.ts';

const png = 'iVBORw0KGgo=';
const user = (...content: ContentBlock[]): Message => ({ role: 'user', content });
const assistant = (...content: ContentBlock[]): Message => ({ role: 'assistant', content });
const said = (text: string): ContentBlock => ({ kind: 'text', text });
const messagesOf = (
  messages: readonly Message[],
  dialect = 'openai-chat',
): { messages: unknown; lost: readonly string[] } => {
  const { body, lost } = sent(chatRequest({ dialect, messages }));
  return { messages: body['messages'], lost };
};

describe('messages', () => {
  it('system and developer messages from everywhere are the system prompt', () => {
    const { body, lost } = sent(
      chatRequest({
        messages: [
          { role: 'system', content: [said('a')] },
          user(said('Hi')),
          { role: 'developer', content: [{ ...said('b'), cache: { ttl: '1h' } }, said('')] },
        ],
      }),
    );
    expect(body['system']).toEqual([
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ]);
    expect(lost).toEqual(['request.system_position']);
  });

  it('a system prompt alone is told as a message of the user', () => {
    const { body, lost } = sent(chatRequest({ messages: [{ role: 'system', content: [said('Say hi.')] }] }));
    expect(body).toMatchObject({ messages: [{ role: 'user', content: 'Say hi.' }] });
    expect(body).not.toHaveProperty('system');
    expect(lost).toEqual(['request.system_position']);
  });

  it('text without a word in it is left out, and turns that come to stand side by side are joined', () => {
    expect(messagesOf([user(said('a'), said(' ')), assistant(said('')), user(said('b'))])).toEqual({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
      lost: [],
    });
  });

  it('an answer to be gone on with does not end with blanks', () => {
    expect(messagesOf([user(said('a')), assistant(said('The answer is \n'))]).messages).toEqual([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'The answer is' },
    ]);
    expect(messagesOf([user(said('a')), assistant(said('b ')), user(said('c'))]).messages).toContainEqual({
      role: 'assistant',
      content: 'b ',
    });
  });

  it('results go to one turn and before everything else, with what failed and the mark of the last block', () => {
    const call: ContentBlock = { kind: 'tool_call', name: 'f', callId: 'c1', arguments: '' };
    const result: Message = {
      role: 'tool',
      callId: 'c1',
      isError: true,
      content: [said('x'), { kind: 'image', base64: png, mediaType: 'image/jpg' }, { ...said('y'), cache: {} }],
    };
    expect(messagesOf([user(said('a')), assistant(said('b'), call), user(said('c')), result])).toEqual({
      lost: [],
      messages: [
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'b' },
            { type: 'tool_use', id: 'c1', name: 'f', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'c1',
              content: [
                { type: 'text', text: 'x' },
                { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: png } },
                { type: 'text', text: 'y' },
              ],
              is_error: true,
              cache_control: { type: 'ephemeral' },
            },
            { type: 'text', text: 'c' },
          ],
        },
      ],
    });
  });

  it('ids are made where a format has none, and changed where the API takes no such id', () => {
    const call = (name: string, callId?: string): ContentBlock => ({
      kind: 'tool_call',
      name,
      arguments: '{}',
      ...(callId !== undefined && { callId }),
    });
    const result = (fields: Partial<Message>): Message => ({ role: 'tool', content: [said('r')], ...fields });
    const { messages } = messagesOf([
      user(said('a')),
      assistant(call('f'), call('g'), call('h', 'functions.h:0')),
      result({ name: 'g' }),
      result({ name: 'f' }),
      result({ callId: 'functions.h:0' }),
    ]) as { messages: { content: Json[] }[] };
    const [, calls, results] = messages.map(({ content }) => content);
    const ids = calls?.map(({ id }) => id) ?? [];
    expect(results?.map(({ tool_use_id: id }) => id)).toEqual([ids[1], ids[0], ids[2]]);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(() => messagesOf([user(said('a')), result({ place: 'messages[1]' })])).toThrow(
      'messages[1]: the result names no tool call',
    );
  });

  it('arguments that are no object are kept as text', () => {
    for (const json of ['{"a":', '[1]', 'null']) {
      const call: ContentBlock = { kind: 'tool_call', name: 'f', callId: 'c', arguments: json };
      const { messages, lost } = messagesOf([
        user(said('a')),
        assistant(call),
        { role: 'tool', callId: 'c', content: [said('r')] },
      ]);
      expect(messages).toMatchObject([{}, { content: [{ input: { _raw: json } }] }, {}]);
      expect(lost).toEqual(['request.tool_arguments']);
    }
  });

  it('reasoning goes back only to who made it', () => {
    const { messages, lost } = messagesOf([
      user(said('a')),
      assistant(
        { kind: 'reasoning', text: 'hm', signature: { value: 'c2ln', format: 'anthropic-messages' } },
        { kind: 'reasoning_redacted', signature: { value: 'ZGF0YQ', format: 'anthropic-messages', encrypted: true } },
        { kind: 'reasoning', text: 'of nobody' },
        { kind: 'reasoning', signature: { value: 'eA', format: 'gemini' } },
        { kind: 'reasoning_redacted', signature: { value: 'eA', format: 'openai-responses', encrypted: true } },
        said('b'),
      ),
      user(said('c')),
    ]);
    expect(messages).toContainEqual({
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
        { type: 'redacted_thinking', data: 'ZGF0YQ' },
        { type: 'text', text: 'b' },
      ],
    });
    expect(new Set(lost)).toEqual(new Set(['request.reasoning']));
  });

  it('documents: a PDF, text of every kind, an image in a file, an address', () => {
    const base64 = Buffer.from('# Grüße').toString('base64');
    const { messages } = messagesOf([
      user(
        { kind: 'file', base64: 'JVBERi0=', mediaType: 'application/pdf', name: 'a.pdf', cache: {} },
        { kind: 'file', base64, mediaType: 'text/markdown' },
        { kind: 'file', base64: png, mediaType: 'image/png' },
        { kind: 'file', url: 'https://e.example/a.pdf' },
        { kind: 'image', url: 'https://e.example/a.png' },
      ),
    ]);
    expect(messages).toEqual([
      {
        role: 'user',
        content: [
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
            title: 'a.pdf',
            cache_control: { type: 'ephemeral' },
          },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '# Grüße' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
          { type: 'document', source: { type: 'url', url: 'https://e.example/a.pdf' } },
          { type: 'image', source: { type: 'url', url: 'https://e.example/a.png' } },
        ],
      },
    ]);
  });

  const refused: readonly (readonly [string, ContentBlock, string])[] = [
    ['audio', { kind: 'audio', base64: 'AAAA', mediaType: 'audio/wav' }, 'a block of the kind audio of openai-chat'],
    ['an image of another type', { kind: 'image', base64: png, mediaType: 'image/tiff' }, 'image/jpeg'],
    ['an image that is too large', { kind: 'image', base64: 'A'.repeat(8_000_000), mediaType: 'image/png' }, 'bytes'],
    ['an image that is no base64', { kind: 'image', base64: 'not base64', mediaType: 'image/png' }, 'base64'],
    ['an image at no address', { kind: 'image', url: 'gs://bucket/a.png' }, 'http and https'],
    ['an image without anything', { kind: 'image' }, 'neither data nor an address'],
    ['a file of another provider', { kind: 'file', fileId: 'file-1' }, 'uploaded for openai-chat'],
    ['a document of another type', { kind: 'file', base64: 'AAAA', mediaType: 'application/zip' }, 'application/pdf'],
    ['a compaction of another provider', { kind: 'compaction', initial: { type: 'compaction' } }, 'compaction'],
    ['a block that nobody knows', { kind: 'unknown', initial: { type: 'x' } }, 'unknown'],
    ['a call of nothing', { kind: 'tool_call', callId: 'c' }, 'the name of its tool'],
  ];
  it.each(refused)('%s is refused by its place', (_title, block, reason) => {
    const placed = { ...block, place: 'messages[3].content[7]' };
    expect(() => messagesOf([user(said('a'), placed)])).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining(reason) }),
    );
    expect(() => messagesOf([user(said('a'), placed)])).toThrow('messages[3].content[7]: ');
    expect(() => messagesOf([user(said('a')), assistant(said('b'), block)])).toThrow('messages[1].content[1]: ');
  });

  it('a system prompt takes text only, and nothing at all is refused', () => {
    const image: ContentBlock = { kind: 'image', base64: png, mediaType: 'image/png' };
    expect(() => messagesOf([{ role: 'system', content: [image] }, user(said('a'))])).toThrow('messages[0].content[0]');
    expect(() => messagesOf([user(said(' '))])).toThrow('messages: no message is left');
  });

  it('what tools of another provider did is left out; a client of the native format may bring back those of this one', () => {
    const call: ContentBlock = {
      kind: 'server_tool_call',
      name: 'web_search',
      callId: 's',
      initial: { type: 'server_tool_use' },
    };
    expect(messagesOf([user(said('a')), assistant(call, said('b')), user(said('c'))])).toMatchObject({
      messages: [{}, { content: 'b' }, {}],
      lost: ['request.server_tools'],
    });
    expect(messagesOf([user(said('a')), assistant(call, said('b')), user(said('c'))], 'native')).toMatchObject({
      messages: [{}, { content: [{ type: 'server_tool_use' }, { type: 'text' }] }, {}],
      lost: [],
    });
  });
});
