import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  args,
  block,
  call,
  candidatesOf,
  end,
  finish,
  meta,
  own,
  partsOf,
  say,
  sign,
  writeChunks,
  type Json,
} from '../support/gemini-stream.ts';

/** The parts of all chunks but those without anything, as clients collect them. */
const parts = (events: readonly AnswerEvent[], lost: string[] = []): readonly Json[] =>
  writeChunks(events, lost)
    .flatMap(candidatesOf)
    .flatMap(partsOf)
    .filter((part) => JSON.stringify(part) !== '{"text":""}');

describe('parts', () => {
  const frames = (value: unknown): Json => ({ ext: { gemini: { candidates: { content: { parts: value } } } } });
  const envelope = Buffer.from('sluice1.anthropic-messages.s.U0lH').toString('base64');

  it.each<readonly [string, readonly AnswerEvent[], readonly Json[]]>([
    ['thoughts', [meta, block('r', 'reasoning'), say('r', 'hm'), end('r')], [{ text: 'hm', thought: true }]],
    [
      'a summary of thoughts',
      [meta, block('r', 'reasoning_summary'), say('r', 'hm'), end('r')],
      [{ text: 'hm', thought: true }],
    ],
    [
      'a thought and its signature',
      [meta, block('r', 'reasoning'), say('r', 'hm'), sign('r', 'SIG'), end('r'), block('a'), say('a', 'x'), end('a')],
      [{ text: 'hm', thought: true }, { text: '', thought: true, thoughtSignature: envelope }, { text: 'x' }],
    ],
    [
      'the signature of the text that follows',
      [
        own,
        block('r', 'reasoning'),
        sign('r', 'SIG', 'gemini'),
        end('r'),
        block('a'),
        say('a', 'x'),
        say('a', 'y'),
        end('a'),
      ],
      [{ text: 'x', thoughtSignature: 'SIG' }, { text: 'y' }],
    ],
    [
      'the signature of the call that follows',
      [own, block('r', 'reasoning'), sign('r', 'SIG', 'gemini'), end('r'), call('c', 'f'), args('c', '{}'), end('c')],
      [{ functionCall: { name: 'f', args: {} }, thoughtSignature: 'SIG' }],
    ],
    [
      'a signature that nothing follows',
      [own, block('r', 'reasoning'), sign('r', 'SIG', 'gemini'), end('r'), finish],
      [{ text: '', thoughtSignature: 'SIG' }],
    ],
    [
      'a signature that stood on an empty text',
      [
        own,
        block('r', 'reasoning'),
        sign('r', 'SIG', 'gemini'),
        end('r'),
        block('e'),
        end('e'),
        block('a'),
        say('a', 'x'),
        end('a'),
      ],
      [{ text: '', thoughtSignature: 'SIG' }, { text: 'x' }],
    ],
    [
      'a signature of a thought without text',
      [
        own,
        block('r', 'reasoning', frames({ thought: true })),
        sign('r', 'SIG', 'gemini'),
        end('r'),
        block('a'),
        say('a', 'x'),
        end('a'),
      ],
      [{ text: '', thought: true, thoughtSignature: 'SIG' }, { text: 'x' }],
    ],
    [
      'two signatures in a row',
      [
        own,
        block('r', 'reasoning'),
        sign('r', 'S1', 'gemini'),
        end('r'),
        block('q', 'reasoning'),
        sign('q', 'S2', 'gemini'),
        end('q'),
      ],
      [
        { text: '', thoughtSignature: 'S1' },
        { text: '', thoughtSignature: 'S2' },
      ],
    ],
    [
      'reasoning that nobody may read',
      [
        meta,
        block('r', 'reasoning_redacted'),
        { ...sign('r', 'SIG'), encrypted: true } as AnswerEvent,
        end('r'),
        call('c', 'f', 'x'),
        end('c'),
      ],
      [
        {
          text: '',
          thought: true,
          thoughtSignature: Buffer.from('sluice1.anthropic-messages.e.U0lH').toString('base64'),
        },
        { functionCall: { id: 'x', name: 'f', args: {} } },
      ],
    ],
    [
      'calls whose arguments come interleaved, while a text is open',
      [
        meta,
        block('a'),
        say('a', 'x'),
        call('c', 'f', '1'),
        args('c', '{"a"'),
        call('d', 'g', '2'),
        args('d', '{"b":2}'),
        args('c', ':1}'),
        end('c'),
        end('d'),
        say('a', 'y'),
        end('a'),
      ],
      [
        { text: 'x' },
        { functionCall: { id: '1', name: 'f', args: { a: 1 } } },
        { functionCall: { id: '2', name: 'g', args: { b: 2 } } },
        { text: 'y' },
      ],
    ],
    [
      'calls without an id',
      [meta, call('c', 'f'), end('c'), call('d', 'g'), end('d')],
      [
        { functionCall: { id: 'call_run-1_0', name: 'f', args: {} } },
        { functionCall: { id: 'call_run-1_1', name: 'g', args: {} } },
      ],
    ],
    [
      'arguments that come at the end',
      [meta, call('c', 'f', '1'), end('c', { final: { a: 1 } })],
      [{ functionCall: { id: '1', name: 'f', args: { a: 1 } } }],
    ],
    [
      'an image in pieces',
      [
        meta,
        block('i', 'image', { mediaType: 'image/webp' }),
        { type: 'media.delta', blockId: 'i', base64: 'AAAA', partialImageIndex: 0 },
        { type: 'media.delta', blockId: 'i', base64: 'AAEC' },
        { type: 'media.delta', blockId: 'i', base64: 'AwQ=' },
        end('i'),
      ],
      [{ inlineData: { mimeType: 'image/webp', data: 'AAECAwQ=' } }],
    ],
    [
      'an image as a data URI',
      [meta, block('i', 'image'), { type: 'media.delta', blockId: 'i', url: 'data:image/gif;base64,AAEC' }, end('i')],
      [{ inlineData: { mimeType: 'image/gif', data: 'AAEC' } }],
    ],
    [
      'an image at an address',
      [meta, block('i', 'image'), { type: 'media.delta', blockId: 'i', url: 'https://example.com/a.png' }, end('i')],
      [{ fileData: { fileUri: 'https://example.com/a.png' } }],
    ],
    [
      'audio whose pieces were encoded one by one',
      [
        meta,
        block('i', 'audio', { mediaType: 'audio/wav' }),
        { type: 'media.delta', blockId: 'i', base64: 'AA==' },
        { type: 'media.delta', blockId: 'i', base64: 'AQ==' },
        end('i'),
      ],
      [{ inlineData: { mimeType: 'audio/wav', data: 'AAE=' } }],
    ],
    [
      'code that Gemini ran',
      [
        own,
        block('x', 'server_tool_call', { name: 'code_execution', initial: { executableCode: { code: '1' } } }),
        args('x', '{}'),
        end('x'),
      ],
      [{ executableCode: { code: '1' } }],
    ],
    [
      'further fields of a part',
      [own, block('a', 'text', frames({ partMetadata: { k: 1 } })), say('a', 'x'), say('a', 'y'), end('a')],
      [{ text: 'x', partMetadata: { k: 1 } }, { text: 'y' }],
    ],
  ])('%s', (_name, events, expected) => {
    const lost: string[] = [];
    expect(parts([...events, finish], lost)).toEqual(expected);
    expect(lost).toEqual([]);
  });

  it.each<readonly [string, readonly AnswerEvent[], readonly Json[], readonly string[]]>([
    [
      'arguments that are no JSON',
      [call('c', 'f', '1'), args('c', '{"a'), end('c')],
      [{ functionCall: { id: '1', name: 'f', args: { _raw: '{"a' } } }],
      ['answer.tool_arguments'],
    ],
    [
      'arguments that are no object',
      [call('c', 'f', '1'), args('c', '[1]'), end('c')],
      [{ functionCall: { id: '1', name: 'f', args: { _raw: '[1]' } } }],
      ['answer.tool_arguments'],
    ],
    [
      'a call of a custom tool',
      [block('c', 'custom_tool_call', { name: 'f', callId: '1' }), args('c', 'free'), end('c')],
      [{ functionCall: { id: '1', name: 'f', args: { input: 'free' } } }],
      ['answer.tool_arguments'],
    ],
    [
      'tools of another provider',
      [
        block('x', 'server_tool_call', { initial: {} }),
        end('x'),
        block('y', 'server_tool_result', { initial: {} }),
        end('y'),
      ],
      [],
      ['answer.server_tools', 'answer.server_tools'],
    ],
    ['a kind of another provider', [block('x', 'compaction', { initial: {} }), end('x')], [], ['answer.compaction']],
    [
      'a file by id',
      [block('f', 'file'), { type: 'media.delta', blockId: 'f', fileId: 'file-1' }, end('f')],
      [],
      ['answer.media'],
    ],
    [
      'a citation without an address',
      [
        block('a'),
        say('a', 'x'),
        { type: 'annotation', blockId: 'a', annotation: {}, dialect: 'anthropic-messages' },
        end('a'),
      ],
      [{ text: 'x' }],
      ['answer.citations'],
    ],
    ['verdicts of another provider', [{ type: 'safety', scope: 'completion', verdicts: [{}] }], [], ['answer.safety']],
    [
      'a stop sequence',
      [{ type: 'finish', reason: { unified: 'stop' }, stopSequence: 'END' }],
      [],
      ['answer.stop_sequence'],
    ],
    [
      'probabilities in another form',
      [block('a'), { ...say('a', 'x'), logprobs: { x: 1 } } as AnswerEvent, end('a')],
      [{ text: 'x' }],
      ['answer.logprobs'],
    ],
  ])('names what is lost: %s', (_name, events, expected, losses) => {
    const lost: string[] = [];
    expect(parts([meta, ...events], lost)).toEqual(expected);
    expect(lost).toEqual(losses);
  });
});
