import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { furtherOfItem, type OutputItem } from './output-item.ts';

/**
 * The arguments that came whole at the end of a block and not in pieces. `own` says that the provider speaks this format
 * and repeats its item there.
 */
export function lateInput({ type, input }: OutputItem, final: unknown, own: boolean): string {
  if (type === 'whole' || input.json !== '') return '';
  const given = own && isObject(final) ? final[type === 'function_call' ? 'arguments' : 'input'] : final;
  if (given !== undefined && given !== null && given !== '')
    return typeof given === 'string' ? given : JSON.stringify(given);
  // Clients parse the arguments: none are an empty object.
  return type === 'function_call' && !own ? '{}' : '';
}

/** Takes over what a provider of this format repeats of its item, and the picture that came in pieces. */
export function takeFinal(item: OutputItem, final: unknown, picture: string): void {
  if (isObject(final)) {
    if (item.type === 'whole') item.further = { ...item.further, ...final };
    else takeFurther(item, final);
    item.incomplete ||= final['status'] === 'incomplete';
  }
  if (item.type === 'whole' && picture !== '') item.further = { ...item.further, result: picture };
}

/** Takes over the fields of an item that nobody here knows. */
export function takeFurther(item: OutputItem, fields: JsonObject | undefined): void {
  if (fields !== undefined) item.further = { ...item.further, ...furtherOfItem(fields) };
}
