import { describe, expect, it } from '@jest/globals';
import {
  added,
  at,
  completed,
  created,
  decode,
  done,
  frame,
  message,
  part,
  text,
  typesOf,
} from './openai-responses/frames.ts';

describe('pictures', () => {
  it('are previews and a result in one block', () => {
    const item = { type: 'image_generation_call', id: 'g1', status: 'in_progress' };
    const events = decode([
      created,
      added(item),
      frame('image_generation_call.partial_image', {
        item_id: 'g1',
        output_index: 0,
        partial_image_b64: 'AA==',
        partial_image_index: 0,
        output_format: 'webp',
      }),
      done({ ...item, status: 'completed', output_format: 'webp', result: 'BB==' }),
      completed(),
    ]);
    expect(events.filter((event) => 'blockId' in event)).toEqual([
      expect.objectContaining({ type: 'block.start', kind: 'image', itemId: 'g1', initial: item }),
      { type: 'media.delta', blockId: 'b0', mediaType: 'image/webp', base64: 'AA==', partialImageIndex: 0 },
      { type: 'media.delta', blockId: 'b0', mediaType: 'image/webp', base64: 'BB==' },
      { type: 'block.end', blockId: 'b0', final: { ...item, status: 'completed', output_format: 'webp' } },
    ]);
  });
});

describe('audio', () => {
  it('is one block', () => {
    const events = decode([
      created,
      frame('audio.delta', { delta: 'AA==' }),
      frame('audio.delta', { delta: 'BB==' }),
      completed(),
    ]);
    expect(typesOf(events)).toEqual([
      'response.meta',
      'block.start',
      'media.delta',
      'media.delta',
      'block.end',
      'finish',
    ]);
  });
});

describe('citations', () => {
  const citation = { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 0, end_index: 2 };

  it.each<readonly [string, readonly string[]]>([
    [
      'in a frame',
      [text('ab'), frame('output_text.annotation.added', { ...at, annotation_index: 0, annotation: citation })],
    ],
    [
      'with the part',
      [text('ab'), frame('content_part.done', { ...at, part: part({ text: 'ab', annotations: [citation] }) })],
    ],
    [
      'with the item',
      [added(message), text('ab'), done({ ...message, content: [part({ text: 'ab', annotations: [citation] })] })],
    ],
    [
      'in all three',
      [
        added(message),
        text('ab'),
        frame('output_text.annotation.added', { ...at, annotation_index: 0, annotation: citation }),
        frame('content_part.done', { ...at, part: part({ text: 'ab', annotations: [citation] }) }),
        done({ ...message, content: [part({ text: 'ab', annotations: [citation] })] }),
      ],
    ],
  ])('%s', (_title, frames) => {
    const events = decode([created, ...frames, completed()]);
    expect(events.filter((event) => event.type === 'annotation')).toEqual([
      {
        type: 'annotation',
        blockId: 'b0',
        annotation: citation,
        dialect: 'openai-responses',
        url: 'https://a.example',
        title: 'A',
        start: 0,
        end: 2,
        unit: 'codepoint',
      },
    ]);
  });
});
