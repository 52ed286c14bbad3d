import type { TextBlock, TextRewriter } from '../modifier.ts';
import { detach } from '../detach.ts';
import { JsonSchemaFollower } from './json-prefix-follower.ts';
import { allKinds, jsonKinds, type JsonMistake, type SchemaNode } from './json-prefix-node.ts';
import { JsonPrefixReader, readerStates } from './json-prefix-reader.ts';
import { startingKinds } from './json-prefix-schema.ts';
import { JsonStart, maxHeldStart } from './json-prefix-start.ts';
import { closingTail, keptEnd, maxDanglingPart } from './json-prefix-tail.ts';
import type { Run } from '../run.ts';

/** What is asked of a text that must be one JSON document. */
export interface JsonGuard {
  /** Absent: any document. */
  readonly schema: SchemaNode | undefined;
  /** Words before and behind the document are left out. */
  readonly extract: boolean;
  readonly repair: 'none' | 'tail';
  readonly onInvalid: 'stop' | 'mark' | 'pass';
  /** A text in which no document begins is no mistake. */
  readonly allowNone: boolean;
}

/** The most that is held back, in UTF-16 units; 0 for nothing. */
export function maxHeldByJsonGuard({ extract, repair }: Pick<JsonGuard, 'extract' | 'repair'>): number {
  return Math.max(extract ? maxHeldStart : 0, repair === 'tail' ? maxDanglingPart : 0);
}

/** Opens the guard of one text. */
export function openJsonGuard(guard: JsonGuard, run: Run, block: TextBlock): TextRewriter {
  return new GuardedText(guard, run, block);
}

/** Where a text is wrong: `offset` in UTF-16 units from its start. */
interface Finding extends JsonMistake {
  readonly offset: number;
}

/** Kinds that a document is looked for among words: scalars only where the schema asks for them. */
function wantedKinds(schema: SchemaNode | undefined): number {
  const kinds = schema === undefined ? allKinds : startingKinds(schema);
  return kinds === allKinds ? jsonKinds.object | jsonKinds.array : kinds;
}

class GuardedText implements TextRewriter {
  matches = 0;
  readonly #guard: JsonGuard;
  readonly #run: Run;
  readonly #block: TextBlock;
  readonly #reader: JsonPrefixReader;
  /** Looks for the document; undefined once it began. */
  #start: JsonStart | undefined;
  /** Units before the document. */
  #before = 0;
  /** Came and did not leave: the dangling end of the document. */
  #held = '';
  #finding: Finding | undefined;
  /** Nothing is looked at any more: the document is broken and passes. */
  #passes = false;
  #isStopped = false;
  #isMarked = false;

  constructor(guard: JsonGuard, run: Run, block: TextBlock) {
    this.#guard = guard;
    this.#run = run;
    this.#block = block;
    const follower =
      guard.schema === undefined || guard.schema.always ? undefined : new JsonSchemaFollower(guard.schema);
    this.#reader = new JsonPrefixReader(follower, guard.onInvalid === 'stop');
    this.#start = guard.extract ? new JsonStart(wantedKinds(guard.schema)) : undefined;
  }

  text(chunk: string): string {
    if (this.#isStopped) return '';
    if (this.#passes || chunk === '') return chunk;
    if (this.#start === undefined) return this.#readDocument(chunk);
    const end = this.#start.read(chunk);
    if (end < 0) {
      this.#before += chunk.length;
      return '';
    }
    const { candidate } = this.#start;
    this.#start = undefined;
    this.#before += end - candidate.length;
    const beginning = this.#readDocument(candidate);
    return end < chunk.length && !this.#isStopped ? beginning + this.text(chunk.slice(end)) : beginning;
  }

  flush(): string {
    if (this.#isStopped) return '';
    let left = '';
    if (this.#start !== undefined && this.#start.candidate !== '') {
      const { candidate } = this.#start;
      this.#start = undefined;
      this.#before -= candidate.length;
      left = this.#readDocument(candidate);
    }
    if (!this.#passes && !this.#isStopped) left += this.#finish();
    return this.#finding !== undefined && this.#guard.onInvalid === 'mark' && !this.#isMarked
      ? left + this.#mark(this.#finding)
      : left;
  }

  /** Takes the next piece of the document, or of what is behind it. */
  #readDocument(piece: string): string {
    const reader = this.#reader;
    const before = reader.offset;
    const end = reader.read(piece);
    this.#take(reader.mistake);
    if (this.#finding !== undefined && this.#guard.onInvalid === 'stop')
      return this.#stop(this.#held + piece.slice(0, end));
    if (reader.state === readerStates.broken) {
      this.#passes = true;
      return this.#release() + piece;
    }
    if (end < piece.length) return this.#endDocument(piece, end);
    if (this.#guard.repair === 'none') return piece;
    const kept = keptEnd(reader);
    if (kept === reader.offset) return this.#release() + piece;
    const text = this.#held + piece;
    const cut = text.length - (reader.offset - kept);
    this.#held = kept < before ? text.slice(cut) : detach(text.slice(cut));
    return text.slice(0, cut);
  }

  /** The document is complete at `end`, and there is more. */
  #endDocument(piece: string, end: number): string {
    const held = this.#release();
    if (this.#guard.extract) return held + piece.slice(0, end);
    const further = piece.slice(end).search(/[^ \t\r\n]/);
    if (further < 0) {
      this.#reader.offset += piece.length - end;
      return held + piece;
    }
    this.#take({ keyword: 'syntax', pointer: '', offset: this.#reader.offset + further });
    if (this.#guard.onInvalid === 'stop') return this.#stop(held + piece.slice(0, end + further));
    this.#passes = true;
    return held + piece;
  }

  /** The text ends. */
  #finish(): string {
    const reader = this.#reader;
    const { state, open, offset } = reader;
    reader.finish();
    this.#take(reader.mistake);
    if (reader.state === readerStates.done) return this.#endWith('');
    if (open.length === 0 && (state === readerStates.value || state === readerStates.minus)) {
      this.#held = '';
      const isAllowed = this.#guard.allowNone || this.#before + offset === 0;
      if (!isAllowed) this.#take({ keyword: 'no document', pointer: '', offset });
      return this.#endWith('');
    }
    if (this.#guard.repair === 'tail') return this.#repair();
    this.#take({ keyword: 'unfinished', pointer: '', offset });
    return this.#endWith('');
  }

  #repair(): string {
    const isCut = keptEnd(this.#reader) < this.#reader.offset;
    const left = isCut ? '' : this.#held;
    this.#held = '';
    this.matches += 1;
    this.#run.meter.count('json_guard_repaired');
    this.#run.log.info('json-guard completed a document that broke off', { choice: this.#block.choice });
    return left + closingTail(this.#reader);
  }

  #endWith(text: string): string {
    return this.#finding !== undefined && this.#guard.onInvalid === 'stop' ? this.#stop(text) : text;
  }

  /** The first mistake is the one that is told. */
  #take(mistake: Finding | undefined): void {
    if (mistake === undefined || this.#finding !== undefined) return;
    const { keyword, pointer, offset } = mistake;
    const finding = { keyword, pointer, offset: this.#before + offset };
    this.#finding = finding;
    this.matches += 1;
    this.#run.meter.count('json_guard_invalid');
    this.#run.log.warn('the answer is not the JSON that was asked for', { ...finding, choice: this.#block.choice });
  }

  #stop(text: string): string {
    this.#isStopped = true;
    this.#held = '';
    if (this.#finding !== undefined) {
      const message = messageOf(this.#finding);
      this.#block.stop({ reason: 'content_filter', message: text === '' ? message : `\n${message}` });
    }
    return text;
  }

  #mark(finding: Finding): string {
    this.#isMarked = true;
    return `\n${messageOf(finding)}`;
  }

  #release(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** Words for the client; nothing of the answer is in them. */
export function messageOf({ keyword, pointer, offset }: Finding): string {
  const place = pointer === '' ? '' : ` at ${pointer}`;
  return `[The answer is not the JSON that was asked for: ${keyword}${place}, character ${offset}.]`;
}
