import type { AnswerEvent, BlockKind, EventOfType, FinishReason, Role } from './event.ts';

export interface AnswerBlock {
  readonly blockId: string;
  readonly kind: BlockKind;
  readonly role: Role;
  readonly start: EventOfType<'block.start'>;
  text: string;
  arguments: string;
  readonly annotations: unknown[];
  logprobs: unknown;
  signature?: EventOfType<'reasoning.signature'>;
}

export interface AnswerChoice {
  readonly index: number;
  readonly blocks: AnswerBlock[];
  finish?: { readonly unified: FinishReason; readonly raw?: string };
}

/** An answer, whole: the fold of its events. */
export interface ChatAnswer {
  readonly meta: Partial<EventOfType<'response.meta'>>;
  readonly choices: readonly AnswerChoice[];
  readonly usage: UsageFold | undefined;
}

/** Usage of an answer. Restated parts replaced earlier ones; nothing was added up. */
export type UsageFold = Omit<EventOfType<'usage'>, 'type'>;

/** Collects the events of an answer, for dialects and clients that want it in one piece. */
export class AnswerFold {
  #meta: Partial<EventOfType<'response.meta'>> = {};
  readonly #choices = new Map<number, AnswerChoice>();
  readonly #blocks = new Map<string, AnswerBlock>();
  #usage: UsageFold | undefined;

  push(event: AnswerEvent): void {
    switch (event.type) {
      case 'response.meta':
        this.#meta = { ...this.#meta, ...event, ext: mergeExtensions(this.#meta.ext, event.ext) };
        return;
      case 'block.start': {
        const block: AnswerBlock = {
          blockId: event.blockId,
          kind: event.kind,
          role: event.role,
          start: event,
          text: '',
          arguments: '',
          annotations: [],
          logprobs: undefined,
        };
        this.#blocks.set(event.blockId, block);
        this.#choice(event.choice ?? 0).blocks.push(block);
        return;
      }
      case 'text.delta': {
        const block = this.#blocks.get(event.blockId);
        if (block === undefined) return;
        block.text += event.text;
        if (event.logprobs !== undefined) block.logprobs = event.logprobs;
        return;
      }
      case 'toolArgs.delta': {
        const block = this.#blocks.get(event.blockId);
        if (block !== undefined) block.arguments += event.json ?? '';
        return;
      }
      case 'annotation':
        this.#blocks.get(event.blockId)?.annotations.push(event.annotation);
        return;
      case 'reasoning.signature': {
        const block = this.#blocks.get(event.blockId);
        if (block !== undefined) block.signature = event;
        return;
      }
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event);
        return;
      case 'finish':
        this.#choice(event.choice ?? 0).finish = event.reason;
        return;
      default:
    }
  }

  get answer(): ChatAnswer {
    return {
      meta: this.#meta,
      choices: [...this.#choices.values()].sort((a, b) => a.index - b.index),
      usage: this.#usage,
    };
  }

  #choice(index: number): AnswerChoice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = { index, blocks: [] };
      this.#choices.set(index, choice);
    }
    return choice;
  }
}

/** A field restated later replaces the earlier value, a field not restated keeps it. */
export function mergeUsage(earlier: UsageFold | undefined, later: UsageFold): UsageFold {
  const { type: _type, ...rest } = later as EventOfType<'usage'>;
  if (earlier === undefined) return rest;
  return {
    ...earlier,
    ...rest,
    ...((earlier.input ?? later.input) && { input: { ...earlier.input, ...later.input } }),
    ...((earlier.output ?? later.output) && { output: { ...earlier.output, ...later.output } }),
  };
}

type Extension = EventOfType<'response.meta'>['ext'];

function mergeExtensions(earlier: Extension, later: Extension): Record<string, Record<string, unknown>> {
  const merged: Record<string, Record<string, unknown>> = { ...earlier };
  for (const [dialect, fields] of Object.entries(later ?? {})) merged[dialect] = { ...merged[dialect], ...fields };
  return merged;
}
