import Type from 'typebox';
import {
  defineBackend,
  defineEncoder,
  defineModifier,
  defineParser,
  defineProcessor,
  defineTokenProvider,
  type AnyComponent,
} from '../../src/kernel/component.ts';
import { defaulted, Duration, reference, secret, strictObject } from '../../src/kernel/schema.ts';
import { createRegistry, type Registry } from '../../src/registry/registry.ts';

const words = reference(
  'word-list',
  Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 200_000 }),
);

function notCreated(): never {
  throw new TypeError('these components are checked, and never run');
}

/** Components in the likeness of the real ones: every kind of field that a config can have. */
export const fakeComponents: readonly AnyComponent[] = [
  defineProcessor({
    type: 'filter',
    summary: 'Masks words of the request.',
    guard: true,
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({
      words,
      with: defaulted(Type.String(), '***'),
      action: defaulted(Type.Enum(['mask', 'block']), 'mask'),
    }),
  }),
  defineProcessor({
    type: 'research',
    summary: 'Reads pages.',
    guard: false,
    needs: ['clock'],
    examples: [],
    create: notCreated,
    config: strictObject({
      maxPages: defaulted(Type.Integer({ minimum: 1, maximum: 10 }), 2),
      every: Type.Optional(Duration),
      token: Type.Optional(reference('token-provider', Type.Unknown())),
    }),
  }),
  defineTokenProvider({
    type: 'static',
    summary: 'A fixed token.',
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({ token: secret(), header: defaulted(Type.String(), 'authorization') }),
  }),
  defineTokenProvider({
    type: 'cache',
    summary: 'Keeps the token of another provider.',
    needs: ['clock'],
    examples: [],
    create: notCreated,
    config: strictObject({ provider: reference('token-provider', Type.Unknown()) }),
  }),
  defineTokenProvider({
    type: 'chained',
    summary: 'The first that has a token.',
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({ providers: Type.Array(reference('token-provider', Type.Unknown()), { minItems: 1 }) }),
  }),
  defineBackend({
    type: 'openai-chat',
    summary: 'Chat completions.',
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({
      baseUrl: Type.String({ pattern: '^https?://', 'x-hint': 'a URL' }),
      model: Type.String({ minLength: 1 }),
      headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    }),
  }),
  defineModifier({
    type: 'mask',
    summary: 'Masks words of the answer.',
    guard: true,
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({ words, with: defaulted(Type.String(), '***') }),
  }),
  defineModifier({
    type: 'insert',
    summary: 'Adds text.',
    guard: false,
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({
      text: Type.String(),
      at: defaulted(Type.Union([Type.Literal('start'), Type.Literal('end')]), 'end'),
    }),
  }),
  defineParser({
    type: 'native',
    summary: 'Our own dialect.',
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({}),
    body: strictObject({ text: Type.String() }),
  }),
  defineParser({
    type: 'openai-chat',
    summary: 'Chat completions.',
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({}),
  }),
  defineEncoder({
    type: 'native',
    summary: 'Our own dialect.',
    needs: [],
    examples: [],
    create: notCreated,
    config: strictObject({}),
  }),
];

export const fakeRegistry: Registry = createRegistry(
  fakeComponents.map((component) => ({ component, file: `${component.kind}/${component.type}.ts` })),
);
