import type { UnknownFields } from '../compile/compiled-pipeline.ts';
import { refuse } from '../kernel/dialects/field-check.ts';
import { isObject } from '../kernel/json/json-value.ts';

/**
 * The body without the unknown fields that the pipeline drops, and their names. With `forward` they stay: they go on to a
 * backend of the same dialect, and are named as lost for any other. Throws REQUEST_INVALID for `reject`.
 */
export function checkUnknownFields(
  body: unknown,
  fields: ReadonlySet<string> | undefined,
  policy: UnknownFields,
): { readonly body: unknown; readonly dropped: readonly string[] } {
  if (policy === 'forward' || fields === undefined || !isObject(body)) return { body, dropped: [] };
  const unknown = Object.keys(body).filter((name) => !fields.has(name));
  const [first] = unknown;
  if (first === undefined) return { body, dropped: [] };
  if (policy === 'reject')
    refuse(first.slice(0, 64), 'there is no such field in this format, and this pipeline refuses unknown ones');
  const known = Object.entries(body).filter(([name]) => fields.has(name));
  return { body: Object.fromEntries(known), dropped: unknown };
}
