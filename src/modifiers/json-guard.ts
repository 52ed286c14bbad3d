import Type from 'typebox';
import { defineModifier } from '../kernel/component.ts';
import type { TextBlock } from '../kernel/modifier.ts';
import { maxHeldByJsonGuard, openJsonGuard } from '../kernel/json/json-guard-rewriter.ts';
import { compileJsonSchema } from '../kernel/json/json-prefix-schema.ts';
import type { Run } from '../kernel/run.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { heldAtMost } from '../kernel/stream-policy.ts';

const config = strictObject({
  schema: Type.Optional(
    Type.Unsafe<Readonly<Record<string, unknown>>>({
      type: 'object',
      description:
        'JSON Schema (2020-12) that the document must be valid for. Absent: any JSON. A keyword that is not checked is refused; `format` is an annotation.',
    }),
  ),
  extract: defaulted(
    Type.Boolean({ description: 'Leaves out words and code fences before and behind the document.' }),
    false,
  ),
  repair: defaulted(
    Type.Enum(['none', 'tail'], {
      description:
        'tail completes a document that breaks off, so that it can be parsed; what is missing is not judged.',
    }),
    'none',
  ),
  onInvalid: defaulted(
    Type.Enum(['stop', 'mark', 'pass'], {
      description:
        'stop ends the answer before the first character that is impossible, mark adds a line behind the text, pass only counts and logs.',
    }),
    'stop',
  ),
  allowNone: defaulted(
    Type.Boolean({
      description: 'A text in which no document begins is no mistake, as the words of a model before it calls a tool.',
    }),
    false,
  ),
});

/**
 * Holds the text of an answer to one JSON document, while it streams. A mistake is found at the first character with which
 * no valid document can go on, as far as the keywords can tell it there; which can is in `docs/json-guard.md`.
 */
export const jsonGuard = defineModifier({
  type: 'json-guard',
  summary: 'Holds the answer to one JSON document that is valid for a schema.',
  config,
  needs: [],
  guard: true,
  examples: [
    {
      title: 'A valid document passes as it is',
      config: { schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } },
      given: ['{ "n"', ': 4', '2 }'],
      expect: '{ "n": 42 }',
    },
    {
      title: 'A document that is not valid is ended before its first wrong character',
      config: { schema: { properties: { unit: { enum: ['metre', 'mile'] } } } },
      given: ['{"unit": "m', 'inute"}'],
      expect: '{"unit": "mi',
    },
    {
      title: 'Fence and words around the document',
      config: { extract: true },
      given: ['Sure, here it is:\n```js', 'on\n{"a": [1]}', '\n```\nAnything else?'],
      expect: '{"a": [1]}',
    },
    {
      title: 'A document that breaks off',
      config: { repair: 'tail' },
      given: ['{"names": ["Ann", "Bo', 'b"], "cou'],
      expect: '{"names": ["Ann", "Bob"]}',
    },
    {
      title: 'A line behind the text',
      config: { onInvalid: 'mark', extract: true, schema: { properties: { n: { maximum: 9 } } } },
      given: ['{"n": 1', '0}'],
      expect: '{"n": 10}\n[The answer is not the JSON that was asked for: maximum at /n, character 8.]',
    },
  ],
  create({ schema, extract, repair, onInvalid, allowNone }) {
    const guard = {
      schema: schema === undefined ? undefined : compileJsonSchema(schema),
      extract,
      repair,
      onInvalid,
      allowNone,
    };
    const maxHeldCharacters = maxHeldByJsonGuard(guard);
    return {
      effect: 'text' as const,
      channels: ['text'] as const,
      policy: heldAtMost(maxHeldCharacters),
      rewrites: { samples: extract ? ['```json\n{}\n```'] : [] },
      open: (run: Run, block: TextBlock) => openJsonGuard(guard, run, block),
    };
  },
});
