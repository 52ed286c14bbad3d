import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { escapeJsonText, toLatin1 } from '../../src/kernel/json/json-text.ts';
import { learnTemplate, matchTemplate, TemplateLearner } from '../../src/kernel/text-template.ts';

const read = (document: unknown): string | undefined => (document as { delta?: { content?: string } }).delta?.content;
const format = { dialect: 'd', read, filler: 'pad' };
const frameOf = (data: string, text: string) => ({ data, document: JSON.parse(data) as unknown, text });

describe('a template', () => {
  it('is the frame without its text', () => {
    const data = '{"model":"m","delta":{"content":"Hi"},"n":1}';
    expect(learnTemplate(format, frameOf(data, 'Hi'))).toEqual({
      dialect: 'd',
      before: 'data: {"model":"m","delta":{"content":"',
      after: '"},"n":1}\n\n',
    });
  });

  it.each([
    ['the text is also a key', '{"content":1,"delta":{"content":"content"}}', 'content', true],
    ['the text is also in front of it', '{"role":"user","delta":{"content":"user"}}', 'user', true],
    ['the text stands in another place only', '{"other":"x","delta":{"content":"\\u0078"}}', 'x', false],
    ['a key is there twice', '{"delta":{"content":"a","content":"b"}}', 'b', false],
    ['the frame has several lines', '{"delta":\n{"content":"a"}}', 'a', false],
    ['the text is escaped in an unusual way', '{"delta":{"content":"\\u003c"}}', '<', false],
    ['there is no text', '{"delta":{"content":""}}', '', false],
    ['other letters are in the frame', '{"name":"Zoë 🎈","delta":{"content":"a"}}', 'a', true],
  ])('where %s', (_title, data, text, learned) => {
    const template = learnTemplate(format, frameOf(data, text));
    expect(template !== undefined).toBe(learned);
    if (template === undefined) return;
    expect(template.before + escapeJsonText(text) + template.after).toBe(toLatin1(`data: ${data}\n\n`));
  });

  it('never moves text to another place', () => {
    const values = fc.record({
      a: fc.jsonValue(),
      delta: fc.record({ content: fc.string({ minLength: 1 }), b: fc.jsonValue() }),
      content: fc.jsonValue(),
    });
    fc.assert(
      fc.property(values, fc.string({ minLength: 1 }), (document, next) => {
        const data = JSON.stringify(document);
        const template = learnTemplate(format, frameOf(data, document.delta.content));
        if (template === undefined) return;
        const written = template.before + escapeJsonText(next) + template.after;
        const again: unknown = JSON.parse(Buffer.from(written.slice('data: '.length), 'latin1').toString('utf8'));
        expect(again).toEqual(JSON.parse(JSON.stringify({ ...document, delta: { ...document.delta, content: next } })));
        expect(matchTemplate(template, written)).toBe(escapeJsonText(next));
      }),
    );
  });

  it('does not match a frame that says more', () => {
    const template = learnTemplate(format, frameOf('{"delta":{"content":"Hi"}}', 'Hi'));
    if (template === undefined) throw new Error('nothing was learned');
    const { before, after } = template;
    expect(matchTemplate(template, `${before}x","evil":"y${after}`)).toBeUndefined();
    expect(matchTemplate(template, `${before}x\\${after}`)).toBeUndefined();
    expect(matchTemplate(template, before.slice(0, -1) + after)).toBeUndefined();
    expect(matchTemplate(template, `${before}${after}`)).toBe('');
  });
});

describe('a learner', () => {
  it('gives one object for all frames of a shape', () => {
    const learner = new TemplateLearner(format);
    const first = learner.templateOf(frameOf('{"delta":{"content":"a"}}', 'a'));
    expect(first).toBeDefined();
    expect(learner.templateOf(frameOf('{"delta":{"content":"\\u003cb\\""}}', '<b"'))).toBe(first);
    expect(learner.templateOf(frameOf('{"delta":{"content":"c"},"x":1}', 'c'))).not.toBe(first);
  });

  it('knows frames that differ in their filler only', () => {
    const learner = new TemplateLearner(format);
    const frame = (text: string, pad: string) =>
      frameOf(JSON.stringify({ delta: { content: text }, pad, end: 1 }), text);
    const first = learner.templateOf(frame('a', 'x1'));
    expect(first).toMatchObject({ after: '"},"pad":"', tail: '","end":1}\n\n' });
    expect(learner.templateOf(frame('say "b"', 'longer'))).toBe(first);
    expect(learner.templateOf(frame('c', ''))).toBe(first);
    expect(learner.templateOf(frame('d', 'with "quotes"'))).not.toBe(first);
  });

  it('stops learning when no shape comes twice, and still knows the last', () => {
    const learner = new TemplateLearner(format);
    const learned = Array.from({ length: 100 }, (_, index) =>
      learner.templateOf(frameOf(`{"delta":{"content":"a"},"pad":${index}}`, 'a')),
    );
    expect(learned.filter((template) => template !== undefined)).toHaveLength(32);
    expect(learner.templateOf(frameOf('{"delta":{"content":"z"},"pad":31}', 'z'))).toBe(learned[31]);
  });
});
