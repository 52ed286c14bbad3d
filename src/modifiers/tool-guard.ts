import Type from 'typebox';
import { defineModifier } from '../kernel/component.ts';
import type { EventControl } from '../kernel/modifier.ts';
import type { Run } from '../kernel/run.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { ToolCallGate } from '../kernel/tools/tool-call-gate.ts';
import { compileToolRules } from '../kernel/tools/tool-rules.ts';

const Glob = Type.String({ minLength: 1, maxLength: 256 });
const globs = (description: string): ReturnType<typeof Type.Array<typeof Glob>> =>
  Type.Array(Glob, { minItems: 1, maxItems: 1_000, description });

const Pointer = Type.String({ pattern: '^/', maxLength: 1_024 });

const Rule = strictObject({
  tools: defaulted(globs('Names of the tools that the rule is for; "*" stands for any text.'), ['*']),
  when: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2_000,
      description:
        'A condition over "tool", "arguments", "caller" and "params"; the rule applies where it is true. Where it fails, the call is denied.',
    }),
  ),
  schema: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'JSON Schema (2020-12) that the arguments must match, as they are behind this rule.',
    }),
  ),
  remove: Type.Optional(
    Type.Array(Pointer, { minItems: 1, maxItems: 100, description: 'JSON pointers of arguments that are taken out.' }),
  ),
  set: Type.Optional(
    Type.Record(Pointer, Type.Unknown(), {
      maxProperties: 100,
      description: 'Arguments that are set, by JSON pointer, behind those that are removed: { "/limit": 10 }.',
    }),
  ),
  rename: Type.Optional(
    Type.String({ minLength: 1, maxLength: 128, description: 'The name under which the client gets the call.' }),
  ),
  action: Type.Enum(['allow', 'deny', 'rewrite'], {
    description: 'What is done where the rule applies; behind "rewrite" the next rules are asked.',
  }),
  message: Type.Optional(
    Type.String({
      maxLength: 2_000,
      description: 'Words for the client where this rule denies, in place of "message".',
    }),
  ),
});

const config = strictObject({
  deny: defaulted(
    Type.Array(Glob, {
      maxItems: 1_000,
      description: 'Tools that are always denied; "*" stands for any text.',
    }),
    [],
  ),
  rules: defaulted(
    Type.Array(Rule, { maxItems: 200, description: 'Rules in their order; the first that allows or denies decides.' }),
    [],
  ),
  allow: Type.Optional(globs('Tools that are allowed where no rule decides; "*" stands for any text.')),
  default: Type.Optional(
    Type.Enum(['allow', 'deny'], {
      description: 'For all other tools: "deny" where there is a list "allow", else "allow".',
    }),
  ),
  onDeny: defaulted(
    Type.Enum(['drop', 'stop'], {
      description: 'A denied call disappears and the answer goes on, or the answer ends there as filtered.',
    }),
    'drop',
  ),
  onInvalid: defaulted(
    Type.Enum(['deny', 'stop', 'pass'], {
      description:
        'For arguments that are no JSON object or do not match a schema: deny, end the answer, or go on as though the rule were not there.',
    }),
    'deny',
  ),
  providerTools: defaulted(
    Type.Enum(['stop', 'pass'], {
      description: 'For denied calls that the provider has run by itself: end the answer, or only count them.',
    }),
    'stop',
  ),
  message: defaulted(
    Type.String({
      maxLength: 2_000,
      description: 'Words for the client in the place of a denied call; "{tool}" is its name.',
    }),
    '',
  ),
});

/**
 * Allows, denies and rewrites the tool calls of an answer. A call is decided by the list `deny`, then by the rules, then by the
 * list `allow`, then by the default; rules go by the name that the model gave.
 *
 * A call that a rule judges by its arguments is held until it is whole, and what follows it in the same choice waits, so that
 * the order stays: that is the only thing that is held, though the policy says `buffer`. Text passes live, and so do calls that
 * are decided by name. What is judged is what every client reads: arguments with a key that is there twice are invalid, and
 * more than 1,048,576 characters of them are denied; a condition that is given more than 262,144 fails.
 * Schemas are JSON Schema 2020-12 with the keywords and the linear patterns of `json-guard`; any other keyword is refused at load.
 *
 * Where all calls of a choice are dropped, its finish says `stop` in place of `tool_calls`. A call that the provider runs by
 * itself is over when it is seen, so it can't be prevented.
 */
export const toolGuard = defineModifier({
  type: 'tool-guard',
  summary: 'Allows, denies and rewrites tool calls by name, condition and JSON Schema.',
  config,
  needs: ['expressions'],
  guard: true,
  examples: [
    {
      title: 'Only two tools, and text as it is',
      config: { allow: ['search', 'read_*'], message: 'The tool {tool} is not allowed here.' },
      given: ['Text ', 'passes.'],
      expect: 'Text passes.',
    },
    {
      title: 'No payment above a limit',
      config: {
        rules: [{ tools: ['pay'], when: 'arguments.amount > 100', action: 'deny' }],
        onDeny: 'stop',
        message: 'Payments above 100 need a person.',
      },
      given: ['One mom', 'ent.'],
      expect: 'One moment.',
    },
    {
      title: 'Arguments that are set, and a schema for the rest',
      config: {
        rules: [
          { tools: ['search'], set: { '/limit': 10 }, remove: ['/debug'], action: 'rewrite' },
          {
            tools: ['search'],
            schema: { type: 'object', required: ['query'], properties: { query: { type: 'string', maxLength: 200 } } },
            action: 'allow',
          },
        ],
        default: 'deny',
      },
      given: ['Searching'],
      expect: 'Searching',
    },
  ],
  create(options, { expressions }) {
    const rules = compileToolRules(options, expressions);
    return {
      effect: 'events' as const,
      channels: ['toolArguments'] as const,
      policy: rules.readsArguments ? ({ mode: 'buffer' } as const) : ({ mode: 'live' } as const),
      open: (run: Run, control: EventControl) => new ToolCallGate(rules, options, control, run),
    };
  },
});
