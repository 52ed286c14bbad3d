import type { ProcessorOutput } from './component.ts';
import { SluiceError } from './errors.ts';
import type { AnswerEvent, RequestEvent } from './event.ts';
import type { ChatRequest } from './request.ts';
import type { Run } from './run.ts';

/** Events that one step may push. A step that was given more may push as many as it was given. */
export const maxStepEvents = 65_536;
/** Characters of text, arguments and media that one step may push; again at least what it was given. */
export const maxStepCharacters = 33_554_432;

/** What a step took in, which it may always hand on. */
export interface StepInput {
  readonly events: number;
  readonly characters: number;
}

/** Collects what one step pushes. After `close` nothing is taken any more, only counted. */
export class StepOutput implements ProcessorOutput {
  readonly #run: Run;
  readonly #measureInput: () => StepInput;
  #input: StepInput | undefined;
  #events: RequestEvent[] = [];
  #characters = 0;
  #closed = false;
  #answer: readonly AnswerEvent[] | undefined;
  #flood: SluiceError | undefined;

  /** `measureInput` is called once, and only where a cap is reached. */
  constructor(run: Run, measureInput: () => StepInput) {
    this.#run = run;
    this.#measureInput = measureInput;
  }

  get events(): readonly RequestEvent[] {
    return this.#events;
  }

  /** Set when the step answered in place of a backend. */
  get answered(): readonly AnswerEvent[] | undefined {
    return this.#answer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  push(event: RequestEvent): void {
    if (this.#closed) return this.#run.meter.count('events_after_end');
    this.#characters += charactersOf(event);
    this.#check(this.#events.length + 1, this.#characters);
    this.#events.push(event);
  }

  answer(events: readonly AnswerEvent[]): void {
    if (this.#closed) return this.#run.meter.count('events_after_end', events.length);
    this.#check(events.length, 0);
    this.#answer = [...events];
    this.close();
  }

  /** Throws PROCESSOR_FLOOD for a request that is larger than a step may make it. */
  checkRequest(request: ChatRequest): void {
    const size = requestSize(request);
    this.#check(size.events, size.characters);
  }

  close(): void {
    this.#closed = true;
  }

  /** A step that caught the error of `push` has flooded all the same. */
  assertNoFlood(): void {
    if (this.#flood !== undefined) throw this.#flood;
  }

  #check(events: number, characters: number): void {
    if (events <= maxStepEvents && characters <= maxStepCharacters) return;
    this.#input ??= this.#measureInput();
    if (events > Math.max(maxStepEvents, this.#input.events)) this.#overflow(`${maxStepEvents} events`);
    if (characters > Math.max(maxStepCharacters, this.#input.characters))
      this.#overflow(`${maxStepCharacters} characters`);
  }

  #overflow(limit: string): never {
    this.#flood ??= new SluiceError('PROCESSOR_FLOOD', { details: { limit } });
    this.#events = [];
    this.close();
    throw this.#flood;
  }
}

/** Size of what a step is given as events. */
export function eventsSize(events: readonly RequestEvent[]): StepInput {
  return { events: events.length, characters: events.reduce((sum, event) => sum + charactersOf(event), 0) };
}

/** Size of a request as the events that it unfolds to, about. */
export function requestSize(request: ChatRequest): StepInput {
  let events = 2;
  let characters = 0;
  for (const { content } of request.messages) {
    events += 2 + 3 * content.length;
    for (const block of content)
      characters +=
        (block.text?.length ?? 0) +
        (block.arguments?.length ?? 0) +
        (block.base64?.length ?? 0) +
        (block.url?.length ?? 0);
  }
  return { events, characters };
}

function charactersOf(event: RequestEvent): number {
  switch (event.type) {
    case 'text.delta':
      return event.text.length;
    case 'toolArgs.delta':
      return event.json?.length ?? 0;
    case 'media.delta':
      return (event.base64?.length ?? 0) + (event.url?.length ?? 0);
    case 'raw':
      return event.data.length;
    default:
      return 0;
  }
}
