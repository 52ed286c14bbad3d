import { isCallKind } from '../block-channel.ts';
import { CallText } from './call-text.ts';
import type { AnswerEnding, EventControl, EventRewriter } from '../modifier.ts';
import type { AnswerEvent, EventOfType } from '../event.ts';
import type { Run } from '../run.ts';
import type { ToolRules, ToolVerdict } from './tool-rules.ts';

/** Events and characters that may wait behind calls that are not decided; with more the stream fails. */
const maxWaitingEvents = 65_536;
const maxWaitingCharacters = 8_388_608;
/** What is shown of the name of a tool: it is what a model wrote. */
const maxShownName = 128;

export interface GateOptions {
  /** A denied call disappears, or the answer ends there. */
  readonly onDeny: 'drop' | 'stop';
  /** A denied call that the provider runs by itself ends the answer, or passes. */
  readonly providerTools: 'stop' | 'pass';
  /** Words in the place of a denied call; `{tool}` is its name. None where it is empty. */
  readonly message: string;
}

/** Something that waits for its turn. */
interface Entry {
  readonly blockId?: string;
  /** The call is not decided yet. */
  call?: CallText;
  events: AnswerEvent[];
  ending?: AnswerEnding;
}

interface Choice {
  readonly index: number;
  waiting: Entry[];
  isOver: boolean;
  /** Calls that the client gets, and those that it does not. */
  left: number;
  dropped: number;
}

/** A block that is not simply passed on. */
interface Block {
  readonly choice: Choice;
  readonly entry?: Entry;
  readonly isDropped?: boolean;
  /** The arguments of a call that passes while it is read. */
  readonly watched?: CallText;
}

/**
 * Holds the tool calls of one answer that are judged by their arguments until these are whole, and lets the rest pass. Behind
 * a held call the later blocks and the end of the same choice wait, so that the order stays; blocks that were open before it,
 * and other choices, go on.
 */
export class ToolCallGate implements EventRewriter {
  readonly #rules: ToolRules;
  readonly #options: GateOptions;
  readonly #control: EventControl;
  readonly #run: Run;
  readonly #choices = new Map<number, Choice>();
  readonly #blocks = new Map<string, Block>();
  #waitingEvents = 0;
  #waitingCharacters = 0;
  #matches = 0;
  #hasFailed = false;

  constructor(rules: ToolRules, options: GateOptions, control: EventControl, run: Run) {
    this.#rules = rules;
    this.#options = options;
    this.#control = control;
    this.#run = run;
  }

  /** Calls that were denied or changed. */
  get matches(): number {
    return this.#matches;
  }

  modify(event: AnswerEvent, emit: (event: AnswerEvent) => void): void {
    switch (event.type) {
      case 'block.start':
        this.#start(event, emit);
        return;
      case 'finish':
        this.#place(this.#choice(event.choice), { events: [event] }, emit);
        return;
      case 'stream.end':
        this.#letGo(emit);
        emit(event);
        return;
      default:
        if ('blockId' in event) this.#inBlock(event, emit);
        else emit(event);
    }
  }

  /** A call that is not whole is not judged, so it does not leave. */
  fail(emit: (event: AnswerEvent) => void): void {
    this.#hasFailed = true;
    this.#letGo(emit);
  }

  #start(event: EventOfType<'block.start'>, emit: (event: AnswerEvent) => void): void {
    const choice = this.#choice(event.choice);
    const { blockId } = event;
    if (choice.isOver) this.#blocks.set(blockId, { choice, isDropped: true });
    else if (!isCallKind(event.kind)) this.#place(choice, { blockId, events: [event] }, emit);
    else {
      const verdict = this.#rules.judgeName(event.name ?? '');
      if (event.providerExecuted === true) this.#startProviderCall(choice, event, verdict, emit);
      else if (verdict !== undefined) this.#startCall(choice, event, verdict, emit);
      else this.#place(choice, { blockId, call: new CallText(event), events: [] }, emit);
    }
  }

  /** The name alone decides. */
  #startCall(
    choice: Choice,
    event: EventOfType<'block.start'>,
    verdict: ToolVerdict,
    emit: (event: AnswerEvent) => void,
  ): void {
    const { blockId, kind } = event;
    const isRenamed = verdict.outcome === 'allow' && verdict.tool !== undefined;
    if (verdict.outcome === 'allow' && !(isRenamed && kind === 'server_tool_call')) {
      choice.left += 1;
      if (isRenamed) this.#matches += 1;
      const start = isRenamed ? renamed(event, verdict.tool) : event;
      this.#place(choice, { blockId, events: [start] }, emit);
      return;
    }
    this.#blocks.set(blockId, { choice, isDropped: true });
    this.#place(choice, this.#denied(choice, event, verdict), emit);
  }

  /** The provider has run the tool when it tells of it, so the call passes while it is read. */
  #startProviderCall(
    choice: Choice,
    event: EventOfType<'block.start'>,
    verdict: ToolVerdict | undefined,
    emit: (event: AnswerEvent) => void,
  ): void {
    const { blockId } = event;
    if (verdict !== undefined && verdict.outcome !== 'allow' && this.#endsForProviderCall()) {
      this.#place(choice, { events: [], ending: this.#ending(event, verdict) }, emit);
      return;
    }
    this.#place(choice, { blockId, events: [event] }, emit);
    if (verdict === undefined)
      this.#blocks.set(blockId, { ...this.#blocks.get(blockId), choice, watched: new CallText(event) });
  }

  #inBlock(event: AnswerEvent & { readonly blockId: string }, emit: (event: AnswerEvent) => void): void {
    const { blockId } = event;
    const block = this.#blocks.get(blockId);
    const ends = event.type === 'block.end';
    if (block === undefined) {
      emit(event);
      return;
    }
    if (ends) this.#blocks.delete(blockId);
    const { choice, entry, watched } = block;
    if (block.isDropped === true || choice.isOver) return;
    if (entry?.call !== undefined) this.#inCall(choice, entry, entry.call, event, emit);
    else if (entry === undefined) emit(event);
    else {
      entry.events.push(event);
      this.#count(event);
    }
    if (watched === undefined) return;
    if (!ends) watched.add(event);
    else this.#endProviderCall(choice, watched, emit);
  }

  #inCall(choice: Choice, entry: Entry, call: CallText, event: AnswerEvent, emit: (event: AnswerEvent) => void): void {
    if (event.type !== 'block.end') {
      call.add(event);
      return;
    }
    delete entry.call;
    const verdict = this.#judge(call);
    Object.assign(entry, this.#judged(choice, call, verdict, event));
    this.#drain(choice, emit);
  }

  #judge(call: CallText): ToolVerdict {
    const { kind, name = '' } = call.start;
    if (call.isBeyond) return { outcome: 'deny' };
    const verdict = this.#rules.judge({ tool: name, json: call.json, isText: kind === 'custom_tool_call' }, this.#run);
    // What runs at the client but is no function has a form of its own, which would say the old arguments again.
    return verdict.outcome === 'allow' && isChanged(verdict) && kind === 'server_tool_call'
      ? { outcome: 'deny' }
      : verdict;
  }

  /** What stands in the place of a held call. */
  #judged(choice: Choice, call: CallText, verdict: ToolVerdict, end: EventOfType<'block.end'>): Omit<Entry, 'blockId'> {
    const { start } = call;
    if (verdict.outcome !== 'allow') return this.#denied(choice, start, verdict);
    choice.left += 1;
    if (!isChanged(verdict)) return { events: [start, ...call.events(undefined), end] };
    this.#matches += 1;
    const { final: _stale, ...rest } = end;
    return { events: [renamed(start, verdict.tool), ...call.events(verdict.json), rest] };
  }

  #endProviderCall(choice: Choice, call: CallText, emit: (event: AnswerEvent) => void): void {
    const verdict = this.#judge(call);
    if (verdict.outcome !== 'allow' && this.#endsForProviderCall())
      this.#place(choice, { events: [], ending: this.#ending(call.start, verdict) }, emit);
  }

  /** Counts a denied call of the provider. True where the answer ends for it. */
  #endsForProviderCall(): boolean {
    this.#matches += 1;
    this.#run.meter.count('provider_tool_calls_denied');
    return this.#options.providerTools === 'stop';
  }

  #denied(choice: Choice, start: EventOfType<'block.start'>, verdict: ToolVerdict): Entry {
    this.#matches += 1;
    this.#run.meter.count('tool_calls_denied');
    if (verdict.outcome === 'stop' || this.#options.onDeny === 'stop')
      return { events: [], ending: this.#ending(start, verdict) };
    choice.dropped += 1;
    return { events: noteEvents(start, this.#words(start, verdict)) };
  }

  #ending(start: EventOfType<'block.start'>, verdict: ToolVerdict): AnswerEnding {
    const message = this.#words(start, verdict);
    return { reason: 'content_filter', ...(message !== '' && { message }) };
  }

  #words({ name = '' }: EventOfType<'block.start'>, verdict: ToolVerdict): string {
    const words = (verdict.outcome === 'allow' ? undefined : verdict.message) ?? this.#options.message;
    return words.replaceAll('{tool}', () => name.slice(0, maxShownName));
  }

  // ---- the order of a choice -------------------------------------------------------------------------------------------

  #choice(index = 0): Choice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = { index, waiting: [], isOver: false, left: 0, dropped: 0 };
      this.#choices.set(index, choice);
    }
    return choice;
  }

  /** Puts something at the end of what a choice waits with; it leaves at once where nothing waits. */
  #place(choice: Choice, entry: Entry, emit: (event: AnswerEvent) => void): void {
    if (choice.isOver) return;
    choice.waiting.push(entry);
    for (const event of entry.events) this.#count(event);
    if (entry.blockId !== undefined) this.#blocks.set(entry.blockId, { choice, entry });
    this.#drain(choice, emit);
  }

  #drain(choice: Choice, emit: (event: AnswerEvent) => void): void {
    let released = 0;
    for (const entry of choice.waiting) {
      if (entry.call !== undefined) break;
      released += 1;
      this.#release(choice, entry, emit);
      if (choice.isOver) return;
    }
    choice.waiting.splice(0, released);
    if ([...this.#choices.values()].every(({ waiting }) => waiting.length === 0)) {
      this.#waitingEvents = 0;
      this.#waitingCharacters = 0;
    }
  }

  #release(choice: Choice, entry: Entry, emit: (event: AnswerEvent) => void): void {
    for (const event of entry.events) emit(event.type === 'finish' ? finishOf(choice, event) : event);
    const { blockId, ending } = entry;
    const block = blockId === undefined ? undefined : this.#blocks.get(blockId);
    if (blockId !== undefined && block?.entry === entry) {
      if (block.watched === undefined) this.#blocks.delete(blockId);
      else this.#blocks.set(blockId, { choice, watched: block.watched });
    }
    if (ending === undefined) return;
    if (!this.#hasFailed) this.#control.stop(ending, choice.index);
    choice.isOver = true;
    choice.waiting = [];
  }

  /** The stream ends: what waits leaves, but for calls that are not decided. */
  #letGo(emit: (event: AnswerEvent) => void): void {
    for (const choice of this.#choices.values()) {
      choice.waiting = choice.waiting.filter(({ call }) => call === undefined);
      this.#drain(choice, emit);
    }
  }

  #count(event: AnswerEvent): void {
    this.#waitingEvents += 1;
    if (event.type === 'text.delta') this.#waitingCharacters += event.text.length;
    else if (event.type === 'toolArgs.delta') this.#waitingCharacters += event.json?.length ?? 0;
    if (this.#waitingEvents > maxWaitingEvents || this.#waitingCharacters > maxWaitingCharacters)
      throw new RangeError('too much waits behind a tool call');
  }
}

function isChanged(verdict: ToolVerdict & { readonly outcome: 'allow' }): boolean {
  return verdict.tool !== undefined || verdict.json !== undefined;
}

/** What the dialect of the provider said of the whole block would say the old name or arguments. */
function renamed(start: EventOfType<'block.start'>, name: string | undefined): EventOfType<'block.start'> {
  const { initial: _stale, ...rest } = start;
  return { ...rest, ...(name !== undefined && { name }) };
}

/** Where all calls of a choice are gone, the client has nothing to run. */
function finishOf({ left, dropped }: Choice, event: EventOfType<'finish'>): EventOfType<'finish'> {
  return dropped > 0 && left === 0 && event.reason.unified === 'tool_calls'
    ? { ...event, reason: { unified: 'stop' } }
    : event;
}

/** A text in the place of a call. Its id is made of that of the call, which nobody else has any more. */
function noteEvents({ blockId: callId, choice }: EventOfType<'block.start'>, text: string): AnswerEvent[] {
  if (text === '') return [];
  const block = { blockId: `${callId}:denied`, ...(choice !== undefined && { choice }), synthetic: true };
  return [
    { type: 'block.start', ...block, kind: 'text', role: 'assistant' },
    { type: 'text.delta', ...block, role: 'assistant', text },
    { type: 'block.end', ...block },
  ];
}
