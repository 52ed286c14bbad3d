import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../src/kernel/error-table.ts';
import { openProbe, probe } from '../support/probe-client.ts';
import { row } from './catalogue.ts';
import { dialects, expectRefusal, pathOf, refusal, RefusingServer, type Refusal } from './refusals.ts';
import { promptCanary } from './stage.ts';

const maxBodyBytes = 2_097_152;
let server: RefusingServer;
beforeAll(async () => {
  server = await RefusingServer.start({ definition: { inbound: { maxBodyBytes } } });
});
afterAll(() => server.close());

const question = { messages: [{ role: 'user', content: promptCanary }], stream: true };
const text = JSON.stringify(question);
const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth);
const withDialects = <T extends readonly unknown[]>(
  table: readonly T[],
): (readonly [string, (typeof dialects)[number], T])[] =>
  dialects.flatMap((dialect) => table.map((entry) => [String(entry[0]), dialect, entry] as const));

describe(row('bad-body'), () => {
  const bodies: readonly (readonly [name: string, body: string | Buffer, code: ErrorCode])[] = [
    ['nothing', '', 'BODY_INVALID'],
    ['blanks', ' \r\n\t', 'BODY_INVALID'],
    ['words', promptCanary, 'BODY_INVALID'],
    ['half of a document', text.slice(0, -1), 'BODY_INVALID'],
    ['two documents', text + text, 'BODY_INVALID'],
    ['a comma too many', '{"messages":[],}', 'BODY_INVALID'],
    ['single quotes', "{'messages':[]}", 'BODY_INVALID'],
    ['NaN', '{"messages":NaN}', 'BODY_INVALID'],
    ['a comment', '{/* x */"messages":[]}', 'BODY_INVALID'],
    ['a line end in a string', '{"model":"a\nb"}', 'BODY_INVALID'],
    ['a byte order mark', `\ufeff${text}`, 'BODY_INVALID'],
    ['form data', 'messages=hello', 'BODY_INVALID'],
    [
      'invalid UTF-8',
      Buffer.from([...Buffer.from('{"model":"'), 0xff, 0xc3, 0x28, ...Buffer.from('"}')]),
      'BODY_INVALID',
    ],
    ['UTF-16', Buffer.from(text, 'utf16le'), 'BODY_INVALID'],
    ['half a character', Buffer.from(JSON.stringify('ü')).subarray(0, -2), 'BODY_INVALID'],
    ['65 levels', nested(65), 'JSON_TOO_DEEP'],
    ['65 levels of objects', `${'{"a":'.repeat(64)}{}${'}'.repeat(64)}`, 'JSON_TOO_DEEP'],
    ['65 levels in a field', `{"messages":[{"role":"user","content":"x"}],"x":${nested(64)}}`, 'JSON_TOO_DEEP'],
    ['64 levels are no fault of depth', nested(64), 'REQUEST_INVALID'],
    ['brackets in a string are no levels', JSON.stringify('['.repeat(1_000)), 'REQUEST_INVALID'],
    ['1 MiB of brackets', '['.repeat(1_048_576), 'JSON_TOO_DEEP'],
    ['1 MiB of braces', '{"a":'.repeat(209_715), 'JSON_TOO_DEEP'],
    ['an array', '[]', 'REQUEST_INVALID'],
    ['a string', '"hello"', 'REQUEST_INVALID'],
    ['a number', '42', 'REQUEST_INVALID'],
    ['null', 'null', 'REQUEST_INVALID'],
    ['a key of the prototype', '{"__proto__":{"polluted":1},"messages":[]}', 'BODY_INVALID'],
    [
      'a key of the prototype, deep down',
      '{"messages":[{"role":"user","content":"x","a":[{"__proto__":1}]}]}',
      'BODY_INVALID',
    ],
    ['a key of the prototype, in escapes', '{"\\u005f_proto__":{"polluted":1}}', 'BODY_INVALID'],
    ['the prototype of the constructor', '{"metadata":{"constructor":{"prototype":{"polluted":1}}}}', 'BODY_INVALID'],
    [
      'the prototype of the constructor, in escapes',
      '{"metadata":{"c\\u006fnstructor":{"protot\\u0079pe":{"polluted":1}}}}',
      'BODY_INVALID',
    ],
  ];
  it.each(withDialects(bodies))('refuses %s (%s)', async (_name, dialect, [, body, code]) => {
    await server.expectRefusal({ method: 'POST', path: pathOf(dialect), body }, dialect, refusal(code));
  });

  it.each(dialects)('says where a document breaks, and repeats nothing of it (%s)', async (dialect) => {
    const response = await server.expectRefusal(
      { path: pathOf(dialect), body: `{"messages" "${promptCanary}"}` },
      dialect,
      refusal('BODY_INVALID'),
    );
    expect(response.text).toContain('offset 12');
    const other = await server.expectRefusal(
      { path: pathOf(dialect), body: `{"messages": ${promptCanary}}` },
      dialect,
      refusal('BODY_INVALID'),
    );
    expect(other.text).toContain('unexpected character');
    expect(response.text + other.text).not.toContain('canary');
  });

  it.each(dialects)('refuses what announces that it is too large, before it comes (%s)', async (dialect) => {
    const headers = { 'content-length': String(maxBodyBytes + 1) };
    const response = await server.expectRefusal(
      { path: pathOf(dialect), headers, body: 'x' },
      dialect,
      refusal('BODY_TOO_LARGE'),
    );
    expect(response.headers['connection']).toBe('close');
  });

  it.each(dialects)('refuses what turns out to be too large, and closes (%s)', async (dialect) => {
    const client = await openProbe({ port: server.stage.sluice.port });
    server.stage.watch(client, dialect);
    await client.write(
      `POST ${pathOf(dialect)} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const piece = '1'.repeat(65_536);
    for (let sent = 0; sent <= maxBodyBytes; sent += piece.length)
      await client.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    const response = await client.response();
    expect([response.status, response.headers['connection']]).toEqual([413, 'close']);
    expect(await client.end()).toBe('complete');
    expect(response.text).toContain('BODY_TOO_LARGE');
    expect(await client.close()).not.toBe('left');
    server.expectNothingSent();
  });

  it.each(dialects)('takes the last of two fields of one name, as JSON.parse does (%s)', async (dialect) => {
    const body = `{"messages":[{"role":"user","content":"first"}],"stream":false,"stream":true,"messages":[{"role":"user","role":"user","content":"a","content":"last"}]}`;
    const sent = await server.expectAnswer({ path: pathOf(dialect), body }, dialect);
    expect(sent['messages']).toEqual([{ role: 'user', content: 'last' }]);
  });

  it.each(dialects)('takes what is just small enough (%s)', async (dialect) => {
    await server.expectAnswer({ path: pathOf(dialect), body: text.padEnd(maxBodyBytes, ' ') }, dialect);
  });

  const lengths: readonly (readonly [name: string, head: string])[] = [
    ['a length that is no number', 'content-length: abc'],
    ['a negative length', 'content-length: -1'],
    ['two lengths', 'content-length: 2\r\ncontent-length: 3'],
    ['a length and chunks', 'content-length: 2\r\ntransfer-encoding: chunked'],
    ['a size of a chunk that is no number', 'transfer-encoding: chunked\r\n\r\nzz'],
    ['a header without a name', ': x'],
    ['a header that is folded', 'x-a: b\r\n c: d'],
    ['a head of 64 KiB', `x-large: ${'a'.repeat(65_536)}`],
  ];
  it.each(lengths)('does not fall over %s', async (name, head) => {
    const client = await openProbe({ port: server.stage.sluice.port });
    await client.write(
      `POST ${pathOf('native')} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${head}\r\n\r\n{}`,
    );
    expect(await client.close()).not.toBe('left');
    const [response] = client.responses;
    if (response !== undefined) {
      expect(response.status).toBe(name.includes('64 KiB') ? 431 : 400);
      expect(response.headers['content-type']).toBe('application/problem+json');
      expect(response.json()).toMatchObject({ code: name.includes('64 KiB') ? 'HEAD_TOO_LARGE' : 'REQUEST_MALFORMED' });
    }
    server.expectNothingSent();
  });
});

describe(row('wrong-method'), () => {
  const paths = [
    ...dialects.map((dialect) => [pathOf(dialect), dialect, 'POST'] as const),
    ['/pipelines/support/v1/models', 'openai-chat', 'GET'] as const,
  ];
  const methods = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'POST', 'QUERY'];
  const table = paths.flatMap(([path, dialect, allowed]) =>
    methods
      .filter((method) => method !== allowed && !(allowed === 'GET' && method === 'HEAD'))
      .map((method) => [method, path, dialect, allowed] as const),
  );

  it.each(table)('%s %s is told what is allowed (%s)', async (method, path, dialect, allowed) => {
    const client = await probe({ port: server.stage.sluice.port }, { method, path });
    await client.end();
    const response = await client.response();
    expect([response.status, response.headers['allow']]).toEqual([405, allowed]);
    if (method !== 'HEAD') expectRefusal(response, dialect, refusal('METHOD_NOT_ALLOWED'));
    server.expectNothingSent();
    client.destroy();
  });

  it.each(dialects)('is told at once, though a body is announced (%s)', async (dialect) => {
    const client = await server.stage.send({ method: 'PUT', path: pathOf(dialect), body: text }, dialect);
    expect(await client.end()).toBe('complete');
    expect((await client.response()).status).toBe(405);
    client.destroy();
  });
});

describe('a name of a pipeline', () => {
  const invalid = refusal('PIPELINE_NAME_INVALID');
  const unknown = refusal('PIPELINE_UNKNOWN');
  const nowhere = refusal('ROUTE_UNKNOWN');
  const names: readonly (readonly [name: string, expected: Refusal])[] = [
    ['nobody', unknown],
    ['a'.repeat(63), unknown],
    ['a'.repeat(64), invalid],
    ['a'.repeat(5_000), invalid],
    ['..', invalid],
    ['%2e%2e', invalid],
    ['%2e%2e%2f', invalid],
    ['..%2f..%2fetc%2fpasswd', invalid],
    ['..%5c..%5csupport', invalid],
    ['support%2f', invalid],
    ['support%00', invalid],
    ['a%00', invalid],
    ['support.json', invalid],
    ['Support', invalid],
    ['SUPPORT', invalid],
    ['-support', invalid],
    ['9support', invalid],
    ['support%20', invalid],
    ['%20support', invalid],
    ['support;a=b', invalid],
    ['support%3f', invalid],
    ['support%0d%0ax-evil:%201', invalid],
    ['%ef%bd%93upport', invalid],
    ['%ef%bc%a1', invalid],
    ['%e2%80%aesupport', invalid],
    ['s%75pport%ff', invalid],
    ['%zz', invalid],
    ['%', invalid],
    ['*', invalid],
    ['constructor', unknown],
    ['__proto__', invalid],
    ['tostring', unknown],
    ['CON', invalid],
    ['con', unknown],
  ];
  it.each(withDialects(names))('%s is refused (%s)', async (_name, dialect, [name, expected]) => {
    const response = await server.expectRefusal({ path: pathOf(dialect, name), body: question }, dialect, expected);
    expect(response.headers['x-evil']).toBeUndefined();
  });

  it('is read with its escapes', async () => {
    await server.expectAnswer({ path: pathOf('native', 's%75pport'), body: question }, 'native');
  });

  const spellings = [
    (path: string) => path.replace('chat', '%63hat'),
    (path: string) => `http://elsewhere.example${path}`,
    (path: string) => `${path}?x=/pipelines/other/chat`,
  ];
  it.each(withDialects(spellings.map((spell) => [spell('/chat'), spell] as const)))(
    'is found at %s, with every check (%s)',
    async (_name, dialect, [, spell]) => {
      const path = spell(pathOf(dialect));
      await server.expectAnswer({ path, body: question }, dialect);
      await server.expectRefusal(
        { path, headers: { 'content-type': 'text/plain' }, body: question },
        dialect,
        refusal('CONTENT_TYPE_UNSUPPORTED'),
      );
      await server.expectRefusal(
        { path, headers: { 'content-length': String(maxBodyBytes + 1) }, body: 'x' },
        dialect,
        refusal('BODY_TOO_LARGE'),
      );
    },
  );

  const paths = [
    '/pipelines/../support/chat',
    '/pipelines/support/../chat',
    '/pipelines//chat',
    '//pipelines/support/chat',
    '/pipelines/support/chat/',
    '/PIPELINES/support/chat',
    '/pipelines/support',
    '/pipelines/support/chat%2f',
    '/pipelines/support/chat;x',
    '/../../etc/passwd',
    '/',
    '/favicon.ico',
    '/pipelines/a/b/c/chat',
    '/pipelines/support/%63hat%00',
  ];
  it.each(paths)('%s leads nowhere', async (path) => {
    const client = await server.stage.send({ path, body: question }, 'native');
    await client.end();
    const response = await client.response();
    expect([400, 404]).toContain(response.status);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toMatchObject({ code: response.status === 404 ? nowhere.code : 'PIPELINE_NAME_INVALID' });
    server.expectNothingSent();
    client.destroy();
  });

  it.each(dialects)('of the dialect is needed for its models too (%s)', async () => {
    await server.expectRefusal({ path: '/pipelines/nobody/v1/models' }, 'openai-chat', unknown);
    await server.expectRefusal({ path: '/pipelines/..%2f/v1/models' }, 'openai-chat', invalid);
  });
});

describe('a content type', () => {
  const refused = [
    'application/json\t; x',
    'application/json ; charset=utf-16',
    'application/json; charset=latin1',
    'application/json;',
    'application/json,text/plain',
    'application/json; charset=utf-8; x=y',
    'text/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/vnd.api+json',
    'application/ json',
    '*/*',
    'json',
    '""',
  ];
  it.each(withDialects(refused.map((type) => [type] as const)))('%s is refused (%s)', async (type, dialect) => {
    await server.expectRefusal(
      { path: pathOf(dialect), headers: { 'content-type': type }, body: question },
      dialect,
      refusal('CONTENT_TYPE_UNSUPPORTED'),
    );
  });

  it.each(dialects)('is needed, and once (%s)', async (dialect) => {
    for (const lines of [
      '',
      'content-type: application/json\r\ncontent-type: text/plain\r\n',
      'content-type: text/plain\r\ncontent-type: application/json\r\n',
      'content-type:\r\n',
    ]) {
      const client = await openProbe({ port: server.stage.sluice.port });
      server.stage.watch(client, dialect);
      await client.write(
        `POST ${pathOf(dialect)} HTTP/1.1\r\nhost: x\r\n${lines}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
      await client.end();
      expect([lines, (await client.response()).status]).toEqual([lines, 415]);
      client.destroy();
    }
    server.expectNothingSent();
  });

  const taken = [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'Application/JSON',
  ];
  it.each(withDialects(taken.map((type) => [type] as const)))('%s is taken (%s)', async (type, dialect) => {
    await server.expectAnswer({ path: pathOf(dialect), headers: { 'content-type': type }, body: question }, dialect);
  });
});
