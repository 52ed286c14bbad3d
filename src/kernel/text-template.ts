import type { TextTemplate } from './event.ts';
import { isFiller, isPadding } from './frame-sink.ts';
import { closingQuote, countStringTokens, isJsonText, measureJson, toLatin1, unescapeJson } from './json/json-text.ts';

/** Stands for the text while a candidate is verified. Plain ASCII that needs no escaping. */
const sentinel = '~sluice:text~';
/** Places of one frame that are tried. The text may also occur as a key or in another field. */
const maxCandidates = 8;
/** Shapes that are learned for one block. A provider that pads every frame differently never repeats one. */
const maxShapes = 32;

interface Shape {
  readonly template: TextTemplate;
  /** The same as in the template, as text and without the SSE field. */
  readonly before: string;
  readonly after: string;
  readonly tail: string | undefined;
}

/** A frame that says one piece of text and nothing else. */
export interface TextFrame {
  /** The `data` of the frame. */
  readonly data: string;
  /** `data`, parsed. */
  readonly document: unknown;
  /** The piece of text. */
  readonly text: string;
}

/** What is known of a dialect's frames. */
export interface TemplateFormat {
  readonly dialect: string;
  /** Reads the text out of a parsed frame, as the decoder does. */
  read(document: unknown): string | undefined;
  /** What stands before the document in a frame; `data: ` when absent. */
  readonly lead?: string;
  /** What ends a frame; a blank line when absent. */
  readonly end?: string;
  /** Key of the field at the top in which the provider pads its frames; its value says nothing. */
  readonly filler?: string;
  /** The provider pads its frames with blanks of changing number before the brace that ends the document. */
  readonly blanks?: boolean;
}

/**
 * Finds the frame around the text of one block. The first frame of a shape is verified by parsing, later ones are only
 * compared. The result for a frame depends on nothing but the frames of other shapes before it, so it is the same
 * whether frames of a known shape pass through here or take the fast way around.
 */
export class TemplateLearner {
  readonly #format: TemplateFormat;
  #shape: Shape | undefined;
  #shapes = 0;

  constructor(format: TemplateFormat) {
    this.#format = format;
  }

  /** The template of the frame, the same object for all frames of a shape; undefined where none can be trusted. */
  templateOf(frame: TextFrame): TextTemplate | undefined {
    if (this.#shape !== undefined && isOfShape(this.#shape, frame)) return this.#shape.template;
    if (this.#shapes >= maxShapes) return undefined;
    this.#shapes += 1;
    const shape = learnShape(this.#format, frame);
    if (shape !== undefined) this.#shape = shape;
    return shape?.template;
  }
}

/**
 * The template of one frame, or undefined. `read` must give the text of a parsed frame. A frame of several lines, with
 * a key that is there twice, or whose text is escaped in an unusual way has none.
 */
export function learnTemplate(format: TemplateFormat, frame: TextFrame): TextTemplate | undefined {
  return learnShape(format, frame)?.template;
}

/**
 * The JSON-escaped text of a frame of the template's shape, or undefined for any other frame. `frame` is the whole SSE
 * frame as latin1 of UTF-8, with LF.
 */
export function matchTemplate(template: TextTemplate, frame: string): string | undefined {
  return matchShape(template, frame);
}

function learnShape(format: TemplateFormat, frame: TextFrame): Shape | undefined {
  const { data, document, text } = frame;
  if (text === '' || /[\r\n]/.test(data) || data.includes(sentinel)) return undefined;
  const quoted = JSON.stringify(text);
  let at = data.indexOf(quoted);
  // A frame that escapes its text in another way is the usual reason for none; it costs one search.
  if (at === -1 || countStringTokens(data) !== measureJson(document).strings) return undefined;
  const whole = JSON.stringify(document);
  for (let tries = 0; at !== -1 && tries < maxCandidates; tries += 1) {
    const before = data.slice(0, at + 1);
    const after = data.slice(at + quoted.length - 1);
    if (isPlaceOfText(before, after, quoted, whole, format)) return shapeOf(format, before, after, document);
    at = data.indexOf(quoted, at + 1);
  }
  return undefined;
}

function shapeOf(format: TemplateFormat, before: string, rest: string, document: unknown): Shape {
  const { dialect, filler, blanks = false, lead = 'data: ', end = '\n\n' } = format;
  const [after, tail] = blanks
    ? splitAtBlanks(rest)
    : filler === undefined
      ? [rest, undefined]
      : splitAtFiller(rest, filler, document);
  const template = {
    dialect,
    before: toLatin1(`${lead}${before}`),
    after: toLatin1(tail === undefined ? `${after}${end}` : after),
    ...(tail !== undefined && { tail: toLatin1(`${tail}${end}`) }),
  };
  return { template, before, after, tail };
}

/** Cuts the value of the filler out of what follows the text, where it stands there once and is what the document says. */
function splitAtFiller(rest: string, filler: string, document: unknown): readonly [string, string | undefined] {
  const value = (document as Readonly<Record<string, unknown>>)[filler];
  const found = [...rest.matchAll(new RegExp(`"${filler}"\\s*:\\s*"`, 'g'))];
  const [match] = found;
  if (typeof value !== 'string' || !isFiller(value) || found.length !== 1 || match === undefined)
    return [rest, undefined];
  const start = match.index + match[0].length;
  const after = rest.slice(0, start);
  const tail = rest.slice(start + value.length);
  return rest.slice(start, start + value.length) === value && tail.startsWith('"') ? [after, tail] : [rest, undefined];
}

/** Cuts the blanks out that stand before the last brace; a document without any has room for them there. */
function splitAtBlanks(rest: string): readonly [string, string | undefined] {
  const after = rest.slice(0, -1).replace(/ {1,128}$/, '');
  return rest.endsWith('}') && after !== '' ? [after, '}'] : [rest, undefined];
}

function isPlaceOfText(before: string, after: string, quoted: string, whole: string, format: TemplateFormat): boolean {
  let document: unknown;
  try {
    document = JSON.parse(before + sentinel + after);
  } catch {
    return false;
  }
  if (format.read(document) !== sentinel) return false;
  const parts = JSON.stringify(document).split(`"${sentinel}"`);
  return parts.length === 2 && parts.join(quoted) === whole;
}

function isOfShape(shape: Shape, { data, text }: TextFrame): boolean {
  const json = matchShape(shape, data);
  return json !== undefined && unescapeJson(json) === text;
}

/** The text between `before` and `after` as it stands in the frame, or undefined where the frame has another shape. */
function matchShape(
  { before, after, tail }: Pick<TextTemplate, 'before' | 'after' | 'tail'> | Shape,
  frame: string,
): string | undefined {
  // Comparing slices is about three times as fast as startsWith and endsWith.
  if (frame.slice(0, before.length) !== before) return undefined;
  const end = tail === undefined ? frame.length - after.length : closingQuote(frame, before.length);
  if (end < before.length || frame.slice(end, end + after.length) !== after) return undefined;
  if (tail !== undefined && !isFillerBefore(frame, end + after.length, tail)) return undefined;
  const json = frame.slice(before.length, end);
  return isJsonText(json) ? json : undefined;
}

function isFillerBefore(frame: string, start: number, tail: string): boolean {
  const end = frame.length - tail.length;
  return end >= start && frame.slice(end) === tail && isPadding(frame.slice(start, end), tail);
}
