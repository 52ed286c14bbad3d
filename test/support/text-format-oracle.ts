import type { PlainOracle } from './markdown-oracle.ts';
import { sentenceEnds } from './sentence-oracle.ts';

/* White space and pacing said again on whole texts, without a line of the engine's code. */

/** White space put right in what is no code. */
export function tidySlowly(given: readonly PlainOracle[], mode: 'trim' | 'collapse'): string {
  const pieces: PlainOracle[] = [];
  for (const piece of given.filter(({ text }) => text !== '')) {
    const last = pieces.at(-1);
    if (last?.isCode === piece.isCode) pieces[pieces.length - 1] = { ...last, text: last.text + piece.text };
    else pieces.push(piece);
  }
  return pieces
    .map(({ text, isCode }, index) => {
      if (isCode) return text;
      let prose = text.replaceAll('\r\n', '\n');
      if (index === 0) prose = prose.trimStart();
      if (index === pieces.length - 1) prose = prose.trimEnd();
      return prose.replaceAll(/\s+/g, (run) => (mode === 'trim' ? run.slice(0, 256) : collapse(run)));
    })
    .join('');
}

function collapse(run: string): string {
  const parts = run.split('\n');
  const head = (parts[0] ?? '').slice(0, 256);
  return parts.length === 1
    ? head
    : head + '\n'.repeat(Math.min(2, parts.length - 1)) + (parts.at(-1) ?? '').slice(0, 256);
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const clusters = (text: string): string[] => [...segmenter.segment(text)].map(({ segment }) => segment);
const spaceless =
  /^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff9f\u{20000}-\u{3ffff}]/u;
/** The pieces of a whole text. */
export function paceSlowly(text: string, pace: 'word' | 'sentence' | 'line', maxHeld: number): string[] {
  const pieces: string[] = [];
  const sentences = new Set(pace === 'sentence' ? sentenceEnds(text) : []);
  let piece = '';
  let place = 0;
  const leave = (length: number): void => {
    pieces.push(piece.slice(0, length));
    piece = piece.slice(length);
  };
  for (const character of text) {
    const isEnd = pace === 'word' ? endsWord(text.slice(0, place), character) : sentences.has(place);
    if (isEnd && piece !== '' && character !== '\n' && isClusterEnd(piece, character)) leave(piece.length);
    while (piece.length + character.length > maxHeld - 1) leave(fitting(piece, character));
    piece += character;
    place += character.length;
    if (character === '\n') leave(piece.length);
  }
  return piece === '' ? pieces : [...pieces, piece];
}

function endsWord(before: string, next: string): boolean {
  const last = [...before.slice(-2)].at(-1);
  if (last === undefined || /\s/.test(last)) return false;
  return /^\s$/.test(next) || spaceless.test(next) || spaceless.test(last);
}

/** As seen in 32 units of the same piece. */
function isClusterEnd(piece: string, next: string): boolean {
  let seen = piece.slice(-32);
  if (seen.length < piece.length && /^[\udc00-\udfff]/.test(seen) && /[\ud800-\udbff]$/.test(piece.slice(0, -32)))
    seen = seen.slice(1);
  return clusters(seen + next).at(-1) === next;
}

function fitting(piece: string, next: string): number {
  if (isClusterEnd(piece, next)) return piece.length;
  const all = clusters(piece + next);
  return all.length === 1 ? piece.length : piece.length + next.length - (all.at(-1) ?? '').length;
}
