/** Answers that are read here have three levels and a dozen of elements. */
const deepest = 16;
const maxElements = 512;
const elementName = /^[A-Za-z_][\w.-]{0,127}$/;
const declaration = /^<\?xml [^<>?]{1,200}\?>/;
const namedEntities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

interface OpenElement {
  readonly name: string;
  readonly path: string;
  hasChild: boolean;
}

/**
 * The texts of the elements without children, by their path, such as `Answer/Credentials/AccessKeyId`. Undefined for
 * what is no document of elements and texts alone: declarations of types and entities, comments and sections make it
 * something else. A path that is there twice has no text. Takes one pass.
 */
export function readXmlFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  const seen = new Set<string>();
  const open: OpenElement[] = [];
  let at = declaration.exec(text)?.[0].length ?? 0;
  let elements = 0;
  for (;;) {
    const left = text.indexOf('<', at);
    const between = text.slice(at, left === -1 ? text.length : left);
    if (left === -1) return open.length === 0 && elements > 0 && isBlank(between) ? fields : undefined;
    const right = text.indexOf('>', left);
    if (right === -1) return undefined;
    const tag = text.slice(left + 1, right);
    at = right + 1;
    const current = open.at(-1);
    if (tag.startsWith('/')) {
      if (current === undefined || tag.slice(1).trimEnd() !== current.name) return undefined;
      if (!keep(fields, seen, current, between)) return undefined;
      open.pop();
      continue;
    }
    if (!isBlank(between) || (current === undefined && elements > 0)) return undefined;
    elements += 1;
    const element = openElement(tag, current);
    if (element === undefined || open.length >= deepest || elements > maxElements) return undefined;
    if (current !== undefined) current.hasChild = true;
    if (!tag.endsWith('/')) open.push(element);
    else if (current === undefined) return undefined;
  }
}

function openElement(tag: string, parent: OpenElement | undefined): OpenElement | undefined {
  const [name = ''] = tag.slice(0, 160).split(/[\s/]/, 1);
  if (!elementName.test(name)) return undefined;
  return { name, path: parent === undefined ? name : `${parent.path}/${name}`, hasChild: false };
}

/** False where the text can't be one. */
function keep(fields: Map<string, string>, seen: Set<string>, element: OpenElement, raw: string): boolean {
  if (element.hasChild) return isBlank(raw);
  const text = decode(raw);
  if (text === undefined) return false;
  if (seen.has(element.path)) fields.delete(element.path);
  else fields.set(element.path, text.trim());
  seen.add(element.path);
  return true;
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** The text with its five entities and its numbers replaced, once; undefined where it names others. */
function decode(raw: string): string | undefined {
  if (!raw.includes('&')) return raw;
  let isKnown = true;
  const text = raw.replace(/&([#\w]{1,8};)?/g, (_whole, reference: string | undefined) => {
    const character = reference === undefined ? undefined : characterOf(reference.slice(0, -1));
    if (character === undefined) isKnown = false;
    return character ?? '';
  });
  return isKnown ? text : undefined;
}

function characterOf(reference: string): string | undefined {
  const number = /^#(?:x([\da-f]{1,6})|(\d{1,7}))$/i.exec(reference);
  if (number === null) return namedEntities.get(reference);
  const point = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  return point > 0 && point <= 0x10_ff_ff ? String.fromCodePoint(point) : undefined;
}
