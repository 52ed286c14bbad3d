import { isRecord } from '../definitions/json-pointer.ts';
import { prepareSchema, type JsonSchema } from '../definitions/prepare-schema.ts';
import type { AnyComponent, ComponentKind } from '../kernel/component.ts';
import { codeBlock, readableJson, table } from './markdown.ts';

const titles: Readonly<Record<ComponentKind, readonly [title: string, what: string]>> = {
  parser: [
    'Parsers',
    'A parser reads the body of a request in one dialect. `inbound.formats` of a pipeline lists the ones it accepts.',
  ],
  processor: [
    'Processors',
    'A processor works on the request before the model is asked. Processors stand in `processors` of a pipeline, in their order.',
  ],
  'token-provider': [
    'Token providers',
    'A token provider gets the credential for a backend. It stands in `tokenProviders` of a pipeline, or in `token` of a backend. How they work together is told in [Tokens](../tokens.md).',
  ],
  backend: [
    'Backends',
    'A backend speaks the wire format of one model provider. Backends stand in `backends` of a pipeline, by name.',
  ],
  modifier: [
    'Modifiers',
    'A modifier works on the answer while it streams. Modifiers stand in `modifiers` of a pipeline, in their order.',
  ],
  encoder: [
    'Encoders',
    'An encoder writes the answer in the dialect of the client. It is chosen by the path of the request.',
  ],
};

/** `docs/components/<kind>.md`: every component of a kind with its configuration and its examples. */
export function describeComponents(kind: ComponentKind, components: readonly AnyComponent[]): string {
  const [title, what] = titles[kind];
  const lines = [`# ${title}`, '', '<!-- Made from the components by `npm run generate`. -->', '', what, ''];
  if (components.length === 0) lines.push('There is none yet.', '');
  else
    lines.push(
      ...table(
        ['Type', 'Summary'],
        components.map(({ type, summary }) => [`[\`${type}\`](#${type})`, summary]),
      ),
      '',
    );
  for (const component of components) lines.push(...describeComponent(component));
  return lines.join('\n');
}

function describeComponent(component: AnyComponent): string[] {
  const lines = [`## ${component.type}`, '', component.summary, ''];
  if ('guard' in component && component.guard) {
    lines.push(
      'It protects: a failure ends the run (`"onError": "skip"` is refused), and a condition that fails counts as true.',
      '',
    );
  }
  const rows = configRows(prepareSchema(component.config), '');
  if (rows.length > 0) lines.push(...table(['Key', 'Type', 'Default', 'Meaning'], rows), '');
  else lines.push('It has no configuration.', '');
  for (const example of component.examples) lines.push(...describeExample(example));
  return lines;
}

/** One row per field, nested objects with a dot. */
function configRows(schema: JsonSchema, prefix: string): string[][] {
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  return Object.entries(properties).flatMap(([key, value]) => {
    const field = isRecord(value) ? value : {};
    const shownDefault =
      'default' in field ? `\`${JSON.stringify(field['default'])}\`` : required.includes(key) ? 'required' : '';
    const row = [`\`${prefix}${key}\``, typeText(field), shownDefault, meaning(field)];
    const isNested = field['x-secret'] !== true && isRecord(field['properties']);
    return isNested ? [row, ...configRows(field, `${prefix}${key}.`)] : [row];
  });
}

function typeText(field: JsonSchema): string {
  if (field['x-secret'] === true) return 'secret';
  if (typeof field['x-reference'] === 'string')
    return `name of a ${field['x-reference'].replaceAll('-', ' ')}, or ${isRecord(field['else']) && field['else']['$ref'] === undefined ? typeText(field['else']) : 'one inline'}`;
  if ('const' in field) return code(field['const']);
  if (Array.isArray(field['enum'])) return field['enum'].map(code).join(', ');
  for (const keyword of ['anyOf', 'oneOf']) {
    const forms = field[keyword];
    if (Array.isArray(forms)) return forms.filter(isRecord).map(typeText).join(' or ');
  }
  if (field['type'] === 'array') return `array of ${itemsText(field['items'])}`;
  const { type = 'anything' } = field as { type?: string | readonly string[] };
  return `${typeof type === 'string' ? type : type.join(' or ')}${rangeText(field)}`;
}

function itemsText(items: unknown): string {
  if (!isRecord(items)) return 'anything';
  const text = typeText(items);
  return items['type'] === text ? `${text}s` : text;
}

function rangeText(field: JsonSchema): string {
  const { minimum, maximum } = field as { minimum?: number; maximum?: number };
  if (minimum === undefined && maximum === undefined) return '';
  if (maximum === undefined) return `, at least ${minimum ?? 0}`;
  return minimum === undefined ? `, at most ${maximum}` : `, ${minimum} to ${maximum}`;
}

function meaning(field: JsonSchema): string {
  const { description = '', 'x-hint': hint } = field as { description?: string; 'x-hint'?: string };
  return hint === undefined ? description : `${description} (${hint})`.trim();
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function describeExample(example: { readonly title: string }): string[] {
  const { title, ...rest } = example;
  if (Object.keys(rest).length === 0) return [];
  return [`### ${title}`, '', ...codeBlock('json', readableJson(rest)), ''];
}
