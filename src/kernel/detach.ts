/** A copy of a text that does not keep the longer one alive which it was cut from: slices share the memory of their source. */
export function detach(text: string): string {
  return text === '' ? '' : ` ${text}`.slice(1);
}
