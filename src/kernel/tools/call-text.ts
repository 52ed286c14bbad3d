import type { AnswerEvent, EventOfType } from '../event.ts';

/** Characters of the arguments of one call that are judged; a call with more is denied. */
const maxArgumentsCharacters = 1_048_576;
/** Events of a call beside its arguments, and pieces of arguments that are not joined yet. */
const maxOtherEvents = 1_024;
const maxPieces = 256;

/** Collects the events of one tool call, with its arguments in one piece. */
export class CallText {
  readonly start: EventOfType<'block.start'>;
  /** More came than may be judged, or arguments in a form that can't be. */
  isBeyond = false;
  readonly #before: AnswerEvent[] = [];
  readonly #behind: AnswerEvent[] = [];
  #firstDelta: EventOfType<'toolArgs.delta'> | undefined;
  #deltas = 0;
  #json = '';
  #pieces: string[] = [];
  #length = 0;

  constructor(start: EventOfType<'block.start'>) {
    this.start = start;
  }

  get json(): string {
    this.#join();
    return this.#json;
  }

  add(event: AnswerEvent): void {
    if (this.isBeyond) return;
    if (event.type === 'toolArgs.delta') this.#addDelta(event);
    else (this.#firstDelta === undefined ? this.#before : this.#behind).push(event);
    this.isBeyond ||=
      this.#length > maxArgumentsCharacters || this.#before.length + this.#behind.length > maxOtherEvents;
    if (!this.isBeyond) return;
    this.#json = '';
    this.#pieces = [];
  }

  /** The events between the start and the end, with the arguments as they came or others in their place. */
  events(json: string | undefined): AnswerEvent[] {
    const text = json ?? this.json;
    const first = this.#firstDelta;
    const isSame = first !== undefined && json === undefined && this.#deltas === 1;
    const { blockId, choice } = this.start;
    const delta: AnswerEvent = { type: 'toolArgs.delta', blockId, ...(choice !== undefined && { choice }), json: text };
    const deltas = isSame ? [first] : text === '' && first === undefined ? [] : [delta];
    const events = [...this.#before, ...deltas, ...this.#behind];
    // A signature proves what was signed, and these arguments are others.
    return json === undefined ? events : events.filter(({ type }) => type !== 'reasoning.signature');
  }

  #addDelta(event: EventOfType<'toolArgs.delta'>): void {
    this.#firstDelta ??= event;
    this.#deltas += 1;
    // Values by path are put together by the client, and no provider here sends them.
    if (event.patch !== undefined) this.isBeyond = true;
    const json = event.json ?? '';
    this.#length += json.length;
    this.#pieces.push(json);
    if (this.#pieces.length >= maxPieces) this.#join();
  }

  #join(): void {
    this.#json += this.#pieces.join('');
    this.#pieces = [];
  }
}
