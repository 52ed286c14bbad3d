import type { TextTemplate } from './event.ts';
import { countStringTokens, isJsonText, measureJson, toLatin1, unescapeJson } from './json-text.ts';

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

/**
 * Finds the frame around the text of one block. The first frame of a shape is verified by parsing, later ones are only
 * compared. The result for a frame depends on nothing but the frames of other shapes before it, so it is the same
 * whether frames of a known shape pass through here or take the fast way around.
 */
export class TemplateLearner {
  readonly #dialect: string;
  readonly #read: (document: unknown) => string | undefined;
  #shape: Shape | undefined;
  #shapes = 0;

  /** `read` reads the text out of a parsed frame, as the decoder does. */
  constructor(dialect: string, read: (document: unknown) => string | undefined) {
    this.#dialect = dialect;
    this.#read = read;
  }

  /** The template of the frame, the same object for all frames of a shape; undefined where none can be trusted. */
  templateOf(frame: TextFrame): TextTemplate | undefined {
    if (this.#shape !== undefined && isOfShape(this.#shape, frame)) return this.#shape.template;
    if (this.#shapes >= maxShapes) return undefined;
    this.#shapes += 1;
    const shape = learnShape(this.#dialect, frame, this.#read);
    if (shape !== undefined) this.#shape = shape;
    return shape?.template;
  }
}

/**
 * The template of one frame, or undefined. `read` must give the text of a parsed frame. A frame of several lines, with
 * a key that is there twice, or whose text is escaped in an unusual way has none.
 */
export function learnTemplate(
  dialect: string,
  frame: TextFrame,
  read: (document: unknown) => string | undefined,
): TextTemplate | undefined {
  return learnShape(dialect, frame, read)?.template;
}

/**
 * The JSON-escaped text of a frame of the template's shape, or undefined for any other frame. `frame` is the whole SSE
 * frame as latin1 of UTF-8, with LF.
 */
export function matchTemplate(template: TextTemplate, frame: string): string | undefined {
  const { before, after } = template;
  const end = frame.length - after.length;
  // Comparing slices is about three times as fast as startsWith and endsWith.
  if (end < before.length || frame.slice(0, before.length) !== before || frame.slice(end) !== after) return undefined;
  const json = frame.slice(before.length, end);
  return isJsonText(json) ? json : undefined;
}

function learnShape(
  dialect: string,
  frame: TextFrame,
  read: (document: unknown) => string | undefined,
): Shape | undefined {
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
    if (isPlaceOfText(before, after, quoted, whole, read)) {
      return {
        before,
        after,
        template: { dialect, before: toLatin1(`data: ${before}`), after: toLatin1(`${after}\n\n`) },
      };
    }
    at = data.indexOf(quoted, at + 1);
  }
  return undefined;
}

function isPlaceOfText(
  before: string,
  after: string,
  quoted: string,
  whole: string,
  read: (document: unknown) => string | undefined,
): boolean {
  let document: unknown;
  try {
    document = JSON.parse(before + sentinel + after);
  } catch {
    return false;
  }
  if (read(document) !== sentinel) return false;
  const parts = JSON.stringify(document).split(`"${sentinel}"`);
  return parts.length === 2 && parts.join(quoted) === whole;
}

function isOfShape(shape: Shape, { data, text }: TextFrame): boolean {
  const { before, after } = shape;
  const end = data.length - after.length;
  if (end < before.length || data.slice(0, before.length) !== before || data.slice(end) !== after) return false;
  const json = data.slice(before.length, end);
  return isJsonText(json) && unescapeJson(json) === text;
}
