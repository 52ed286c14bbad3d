import Type from 'typebox';
import { channelOption, proseChannels } from '../kernel/channel-option.ts';
import { parseDuration } from '../kernel/clock.ts';
import { defineModifier } from '../kernel/component.ts';
import type { EventControl } from '../kernel/modifier.ts';
import type { Run } from '../kernel/run.ts';
import { Duration, defaulted, strictObject } from '../kernel/schema.ts';
import { smoothEvents } from '../kernel/format/smooth-events.ts';
import { formatPolicy, formatText, type TextFormatOptions } from '../kernel/format/text-format.ts';

const config = strictObject({
  markdown: defaulted(
    Type.Enum(['keep', 'plain', 'html'], {
      description:
        '`plain` takes the syntax of Markdown away and leaves what a reader would see. `html` escapes &, <, >, " and \' so that the text can be put into a page; it renders no Markdown.',
    }),
    'keep',
  ),
  links: defaulted(
    Type.Enum(['address', 'text'], {
      description: 'What plain text shows of a link: its text with the address in parentheses, or its text only.',
    }),
    'address',
  ),
  closeFences: defaulted(
    Type.Boolean({ description: 'Closes a code fence that is open where the text ends, also where the stream fails.' }),
    false,
  ),
  whitespace: defaulted(
    Type.Enum(['keep', 'trim', 'collapse'], {
      description:
        'Outside of code: `trim` drops white space at both ends and turns CR LF into LF; `collapse` also turns several blank lines into one.',
    }),
    'keep',
  ),
  pace: defaulted(
    Type.Enum(['none', 'word', 'sentence', 'line'], { description: 'Text leaves in whole words, sentences or lines.' }),
    'none',
  ),
  maxHeldCharacters: defaulted(
    Type.Integer({
      minimum: 16,
      maximum: 2048,
      description: 'A word, sentence or line that gets longer leaves in parts. In UTF-16 units.',
    }),
    400,
  ),
  delay: Type.Optional({
    ...Duration,
    description: 'Time between two paced pieces. Then the stream is no longer handled in the fast lane.',
  }),
  maxLag: defaulted(
    {
      ...Duration,
      description:
        'Text is never later by more than this because of `delay`: the waits get shorter, the closer the delay comes to it.',
    },
    '2s',
  ),
  channels: channelOption(proseChannels, 'Kinds of text that are formatted.'),
});

/** A little of all that plain text loses, and what a page would take for tags. */
const samples = {
  keep: [],
  plain: ['# Title', '**bold**', '`code`', '[text](https://example.com)', '| a | b |'],
  html: ['a < b & c', '<b>"it\'s"</b>'],
} as const;

/**
 * Gives the answer the form that its reader needs, while it streams. The options act in the order of the config: first the
 * Markdown, then open fences, then white space, then the pace; escaping for HTML comes last. Each is defined on the whole
 * text (see the rules in the kernel files) and holds only what its rule leaves open.
 */
export const formatStream = defineModifier({
  type: 'format-stream',
  summary: 'Turns Markdown into plain or HTML-safe text, closes code fences, tidies white space, and paces the stream.',
  config,
  needs: ['clock'],
  guard: false,
  examples: [
    {
      title: 'Markdown to plain text',
      config: { markdown: 'plain' },
      given: ['# Plan\n\n**Fir', 'st** read [the do', 'cs](https://example.com/d), _then_ run `npm', ' ci`.\n'],
      expect: 'Plan\n\nFirst read the docs (https://example.com/d), then run npm ci.\n',
    },
    {
      title: 'Tables and code of plain text',
      config: { markdown: 'plain' },
      given: ['| Name | Age |\n|--', '--|:-:|\n| **Ann** | 41 |\n\n``', '`sh\nls *.md\n``', '`\nDone'],
      expect: 'Name\tAge\nAnn\t41\n\nls *.md\nDone',
    },
    {
      title: 'Links without their addresses',
      config: { markdown: 'plain', links: 'text' },
      given: ['See [the docs](https://exam', 'ple.com) and ![a chart](chart.png).'],
      expect: 'See the docs and a chart.',
    },
    {
      title: 'Text that is safe in a page',
      config: { markdown: 'html' },
      given: ['1 < 2 && "a" <scr', "ipt>alert('x')</script>"],
      expect: '1 &lt; 2 &amp;&amp; &quot;a&quot; &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;',
    },
    {
      title: 'An answer that was cut off in its code',
      config: { closeFences: true, whitespace: 'trim' },
      given: ['Try:\n``', '`js\nlet a', ' = 1;'],
      expect: 'Try:\n```js\nlet a = 1;\n```',
    },
    {
      title: 'White space at both ends',
      config: { whitespace: 'trim' },
      given: ['\n\n  One\r', '\n\n\nTwo', ' \n\n'],
      expect: 'One\n\n\nTwo',
    },
    {
      title: 'One blank line between paragraphs, and code as it was',
      config: { whitespace: 'collapse' },
      given: ['\nOne\n\n', '\n \nTwo\n```\na\n\n\nb\n', '```\n\n\n\nThree\n'],
      expect: 'One\n\nTwo\n```\na\n\n\nb\n```\n\nThree',
    },
    {
      title: 'Whole words',
      config: { pace: 'word', maxHeldCharacters: 64 },
      given: ['Hel', 'lo wo', 'rld, 你', '好。'],
      expect: 'Hello world, 你好。',
    },
    {
      title: 'Whole sentences',
      config: { pace: 'sentence' },
      given: ['It costs 3.', '50 today. Not more! 好的', '。行'],
      expect: 'It costs 3.50 today. Not more! 好的。行',
    },
    {
      title: 'Whole lines, plain and tidy',
      config: { markdown: 'plain', whitespace: 'collapse', pace: 'line' },
      given: ['## A\n', '\n\n\n- *on', 'e*\n- two\n'],
      expect: 'A\n\n- one\n- two',
    },
    {
      title: 'Ten milliseconds between two lines',
      config: { pace: 'line', delay: '10ms', maxLag: '1s' },
      given: ['One ', 'line.'],
      expect: 'One line.',
    },
  ],
  create(options, { clock }) {
    const format: TextFormatOptions = options;
    const shared = { channels: options.channels, policy: formatPolicy(format) };
    const rewrites = { samples: samples[options.markdown] };
    if (options.delay === undefined) {
      return { ...shared, rewrites, effect: 'text' as const, open: () => formatText(format) };
    }
    const pause = { delay: parseDuration(options.delay), maxLag: parseDuration(options.maxLag) };
    return {
      ...shared,
      rewrites,
      effect: 'events' as const,
      open: (run: Run, control: EventControl) =>
        smoothEvents(run, control, clock, { format, channels: options.channels, ...pause }),
    };
  },
});
