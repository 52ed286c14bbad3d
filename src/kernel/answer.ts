import { isCutCall } from './cut-call.ts';
import type { AnswerEvent, BlockKind, EventOfType, Role } from './event.ts';

export interface AnswerBlock {
  readonly blockId: string;
  readonly kind: BlockKind;
  readonly role: Role;
  readonly start: EventOfType<'block.start'>;
  text: string;
  arguments: string;
  readonly annotations: EventOfType<'annotation'>[];
  /** What came with each piece of the text, in order. */
  readonly logprobs: unknown[];
  /** Pieces of an image, an audio or a file, in order. */
  readonly media: EventOfType<'media.delta'>[];
  signature?: EventOfType<'reasoning.signature'>;
  /** What the dialect of the provider repeated at the end of the block. */
  final?: unknown;
}

export interface AnswerChoice {
  readonly index: number;
  readonly blocks: AnswerBlock[];
  finish?: EventOfType<'finish'>;
}

/** An answer, whole: the fold of its events. */
export interface ChatAnswer {
  readonly meta: Partial<EventOfType<'response.meta'>>;
  readonly choices: readonly AnswerChoice[];
  readonly usage: UsageFold | undefined;
  readonly safety: readonly EventOfType<'safety'>[];
}

/** Usage of an answer. Restated parts replaced earlier ones; nothing was added up. */
export type UsageFold = Omit<EventOfType<'usage'>, 'type'>;

const callKinds: ReadonlySet<BlockKind> = new Set(['tool_call', 'custom_tool_call']);

/** Collects the events of an answer, for dialects and clients that want it in one piece. */
export class AnswerFold {
  #meta: Partial<EventOfType<'response.meta'>> = {};
  readonly #choices = new Map<number, AnswerChoice>();
  readonly #blocks = new Map<string, AnswerBlock>();
  readonly #safety: EventOfType<'safety'>[] = [];
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
          logprobs: [],
          media: [],
        };
        this.#blocks.set(event.blockId, block);
        this.#choice(event.choice ?? 0).blocks.push(block);
        return;
      }
      case 'text.delta': {
        const block = this.#blocks.get(event.blockId);
        if (block === undefined) return;
        block.text += event.text;
        if (event.logprobs !== undefined) block.logprobs.push(event.logprobs);
        return;
      }
      case 'toolArgs.delta': {
        const block = this.#blocks.get(event.blockId);
        if (block !== undefined) block.arguments += event.json ?? '';
        return;
      }
      case 'annotation':
        this.#blocks.get(event.blockId)?.annotations.push(event);
        return;
      case 'media.delta':
        this.#blocks.get(event.blockId)?.media.push(event);
        return;
      case 'reasoning.signature': {
        const block = this.#blocks.get(event.blockId);
        if (block !== undefined) block.signature = event;
        return;
      }
      case 'block.end': {
        const block = this.#blocks.get(event.blockId);
        if (block === undefined) return;
        if (event.final !== undefined) block.final = event.final;
        if (callKinds.has(block.kind) && isCutCall(event, block.arguments)) this.#leaveOut(block);
        return;
      }
      case 'safety':
        this.#safety.push(event);
        return;
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event);
        return;
      case 'finish':
        this.#choice(event.choice ?? 0).finish = event;
        return;
      default:
    }
  }

  get answer(): ChatAnswer {
    return {
      meta: this.#meta,
      choices: [...this.#choices.values()].sort((a, b) => a.index - b.index),
      usage: this.#usage,
      safety: this.#safety,
    };
  }

  #leaveOut(block: AnswerBlock): void {
    const { blocks } = this.#choice(block.start.choice ?? 0);
    blocks.splice(blocks.indexOf(block), 1);
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
