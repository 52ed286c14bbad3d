import Type from 'typebox';

const Resource = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9+.-]*:[^#]+$',
  minLength: 1,
  maxLength: 2_048,
  'x-hint': 'an absolute URI without a fragment',
});
const Audience = Type.String({ minLength: 1, maxLength: 2_048 });

/** Scopes to ask for: a field of a config. */
export const scopeField = Type.Optional(
  Type.String({ minLength: 1, maxLength: 4_096, description: 'Scopes to ask for, with a space between them.' }),
);

/** What an exchanged token is to be good for: fields of a config. */
export const tokenTargetFields = {
  scope: scopeField,
  audience: Type.Optional(
    Type.Union([Audience, Type.Array(Audience, { minItems: 1, maxItems: 16 })], {
      description: 'Whom the token is for, by a name that the token server knows; a list where it is for several.',
    }),
  ),
  resource: Type.Optional(
    Type.Union([Resource, Type.Array(Resource, { minItems: 1, maxItems: 16 })], {
      description: 'Address of what the token is for; a list where it is for several.',
    }),
  ),
};

type TargetName = keyof typeof tokenTargetFields;
export type TokenTarget = { readonly [name in TargetName]?: string | string[] };

/** The fields above as parameters of a request to a token server. */
export function targetParameters({ scope, audience, resource }: TokenTarget): Record<string, string | string[]> {
  return {
    ...(scope !== undefined && { scope }),
    ...(audience !== undefined && { audience }),
    ...(resource !== undefined && { resource }),
  };
}
