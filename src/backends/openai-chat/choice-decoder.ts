import type { AnswerEvent, BlockKind, EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, isPresent, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiChat, readFinishReason } from '../../kernel/dialects/openai-chat-fields.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';
import { TemplateLearner } from '../../kernel/text-template.ts';
import { beginsEntry, readContent, readReasoning, textOf, type ReasoningPiece } from './delta-text.ts';
import {
  hasValue,
  saysNothing,
  unknownOfCall,
  unknownOfChoice,
  unknownOfDelta,
  unknownOfFunction,
} from './chunk-shape.ts';

/** Blocks of one choice; a provider that never stops opening tool calls is stopped here. */
const maxBlocks = 4_096;
/** Characters of arguments that are kept while the name of their tool has not come. */
const maxArgumentsBeforeName = 65_536;

type ToolKind = 'tool_call' | 'custom_tool_call';

interface ToolCall {
  readonly index: number | undefined;
  readonly kind: ToolKind;
  /** The deprecated `function_call` in place of `tool_calls`. */
  readonly legacy: boolean;
  blockId: string | undefined;
  callId: string | undefined;
  name: string | undefined;
  waiting: string;
}

interface TextBlock {
  readonly blockId: string;
  readonly learner: TemplateLearner;
}

/** The state of one choice of a streamed answer: which blocks are open, and what it has said. */
export class ChoiceDecoder {
  readonly index: number;
  readonly #nextBlockId: () => string;
  readonly #choice: { readonly choice: number } | Record<string, never>;
  readonly #open: string[] = [];
  readonly #calls: ToolCall[] = [];
  #blocks = 0;
  #text: TextBlock | undefined;
  #refusal: TextBlock | undefined;
  #reasoning: TextBlock | undefined;
  #detail: JsonObject | undefined;
  #audio: string | undefined;
  finished = false;
  /** The last entry that was read gives a call another id than it has; official clients would take it over. */
  changesCall = false;

  constructor(index: number, nextBlockId: () => string) {
    this.index = index;
    this.#nextBlockId = nextBlockId;
    this.#choice = index === 0 ? {} : { choice: index };
  }

  /** True when a tool was called. */
  get calledTools(): boolean {
    return this.#calls.length > 0;
  }

  learnerOf(blockId: string): TemplateLearner | undefined {
    return [this.#text, this.#refusal, this.#reasoning].find((block) => block?.blockId === blockId)?.learner;
  }

  /** Adds the events of one entry of `choices`. Returns its unknown fields in their places, where none of the events carries them. */
  read(choice: JsonObject, events: AnswerEvent[]): JsonObject | undefined {
    const first = events.length;
    this.changesCall = false;
    const delta = isObject(choice['delta'])
      ? choice['delta']
      : isObject(choice['message']) && choice['delta'] === undefined
        ? choice['message']
        : {};
    const unread = this.#readDelta(delta, choice, events);
    this.#readVerdicts(choice, events, first);
    const word = filledString(choice['finish_reason']);
    if (word !== undefined) this.finish(word, false, events);
    const unknownDelta = { ...unknownOfDelta(delta), ...unread };
    const extension = {
      ...unknownOfChoice(choice),
      ...this.#harmlessVerdicts(choice, events, first),
      ...(orNothing(unknownDelta) && { delta: unknownDelta }),
    };
    const ofChoice = { ...extension, delta: null };
    const carrier = events[first];
    if (carrier === undefined) return saysNothing(unknownDelta) && saysNothing(ofChoice) ? undefined : extension;
    if (hasValue(unknownDelta) || hasValue(ofChoice)) events[first] = extendChoice(carrier, extension);
    return undefined;
  }

  /** Ends all open blocks and says why the choice ended; later ones are ignored. */
  finish(word: string, synthetic: boolean, events: AnswerEvent[]): void {
    if (this.finished) {
      this.endBlocks(events, synthetic);
      return;
    }
    if (this.#blocks === 0 && !this.calledTools) this.#text ??= this.#openText('text', events);
    for (const call of this.#calls) this.#startCall(call, events);
    const unified = word === 'stop' && this.#refusal !== undefined ? 'refusal' : readFinishReason(word);
    const reason = { unified, ...(!synthetic && { raw: word }) };
    this.endBlocks(events, synthetic);
    this.finished = true;
    events.push({ type: 'finish', ...this.#choice, reason, ...(synthetic && { synthetic }) });
  }

  endBlocks(events: AnswerEvent[], synthetic: boolean): void {
    for (const blockId of this.#open)
      events.push({ type: 'block.end', ...this.#choice, blockId, ...(synthetic && { synthetic }) });
    this.#open.length = 0;
    this.#text = this.#refusal = this.#reasoning = this.#audio = undefined;
  }

  /** Returns what of the delta could be read but has no place in an event. */
  #readDelta(delta: JsonObject, choice: JsonObject, events: AnswerEvent[]): JsonObject | undefined {
    const content = readContent(delta['content'] ?? (typeof choice['text'] === 'string' ? choice['text'] : undefined));
    const reasoning = readReasoning(delta);
    for (const piece of [...reasoning.pieces, ...content.reasoning]) this.#pushReasoning(piece, events);
    if (content.text !== '') this.#pushText('text', content.text, choice['logprobs'], events);
    const refusal = filledString(delta['refusal']);
    if (refusal !== undefined) this.#pushText('refusal', refusal, choice['logprobs'], events);
    this.#readMedia(delta, events);
    this.#readAnnotations(delta['annotations'], events);
    const calls = delta['tool_calls'];
    if (Array.isArray(calls))
      for (const [position, call] of calls.entries()) if (isObject(call)) this.#readCall(call, position, events);
    if (isObject(delta['function_call'])) this.#readLegacyCall(delta['function_call'], events);
    return { ...reasoning.unread, ...content.unread };
  }

  #openBlock(
    start: Omit<EventOfType<'block.start'>, 'type' | 'blockId' | 'role' | 'index'>,
    events: AnswerEvent[],
  ): string {
    if (this.#blocks >= maxBlocks) throw badFrame(`more than ${maxBlocks} blocks in one answer`);
    const blockId = this.#nextBlockId();
    events.push({ type: 'block.start', ...this.#choice, blockId, role: 'assistant', index: this.#blocks, ...start });
    this.#blocks += 1;
    this.#open.push(blockId);
    return blockId;
  }

  #openText(kind: BlockKind, events: AnswerEvent[], ext?: JsonObject): TextBlock {
    const blockId = this.#openBlock({ kind, ...(ext && { ext: { [openaiChat]: ext } }) }, events);
    const { index } = this;
    return {
      blockId,
      learner: new TemplateLearner({
        dialect: openaiChat,
        read: (document) => textOf(document, index, kind),
        filler: 'obfuscation',
      }),
    };
  }

  #closeReasoning(events: AnswerEvent[]): void {
    if (this.#reasoning === undefined) return;
    const { blockId } = this.#reasoning;
    this.#reasoning = this.#detail = undefined;
    this.#open.splice(this.#open.indexOf(blockId), 1);
    events.push({ type: 'block.end', ...this.#choice, blockId });
  }

  #pushText(kind: 'text' | 'refusal', text: string, logprobs: unknown, events: AnswerEvent[]): void {
    this.#closeReasoning(events);
    // One block until the end: clients join the pieces of a choice, whatever came between them, and so must a word mask.
    const block =
      kind === 'text'
        ? (this.#text ??= this.#openText(kind, events))
        : (this.#refusal ??= this.#openText(kind, events));
    events.push({
      type: 'text.delta',
      ...this.#choice,
      blockId: block.blockId,
      role: 'assistant',
      text,
      ...(isPresent(logprobs) && { logprobs }),
    });
  }

  #pushReasoning(piece: ReasoningPiece, events: AnswerEvent[]): void {
    const { text, signature, field, detail } = piece;
    if (text === '' && signature === undefined) return;
    if (beginsEntry(this.#detail, detail)) this.#closeReasoning(events);
    this.#detail = detail ?? this.#detail;
    if (this.#reasoning === undefined) {
      const delta = { ...(field === 'reasoning' && { reasoning: '' }), ...(detail && { reasoning_details: [detail] }) };
      this.#reasoning = this.#openText('reasoning', events, orNothing(delta) && { choices: { delta } });
    }
    const { blockId } = this.#reasoning;
    const ext =
      detail === undefined ? {} : { ext: { [openaiChat]: { choices: { delta: { reasoning_details: [detail] } } } } };
    if (text !== '') events.push({ type: 'text.delta', ...this.#choice, blockId, role: 'assistant', text, ...ext });
    if (signature !== undefined)
      events.push({ type: 'reasoning.signature', ...this.#choice, blockId, ...signature, ...ext });
  }

  #readMedia(delta: JsonObject, events: AnswerEvent[]): void {
    const { audio, images } = delta;
    if (isObject(audio)) this.#readAudio(audio, events);
    if (!Array.isArray(images)) return;
    for (const image of images) {
      const url = isObject(image) && isObject(image['image_url']) ? filledString(image['image_url']['url']) : undefined;
      const blockId = this.#openBlock({ kind: 'image', initial: image }, events);
      if (url !== undefined) events.push({ type: 'media.delta', ...this.#choice, blockId, url });
      this.#open.pop();
      events.push({ type: 'block.end', ...this.#choice, blockId });
    }
  }

  #readAudio(audio: JsonObject, events: AnswerEvent[]): void {
    this.#closeReasoning(events);
    const { data, ...rest } = audio;
    this.#audio ??= this.#openBlock({ kind: 'audio', initial: audio }, events);
    const ext = { [openaiChat]: { choices: { delta: { audio: rest } } } };
    events.push({ type: 'media.delta', ...this.#choice, blockId: this.#audio, base64: filledString(data) ?? '', ext });
  }

  #readAnnotations(annotations: unknown, events: AnswerEvent[]): void {
    if (!Array.isArray(annotations) || annotations.length === 0) return;
    this.#closeReasoning(events);
    this.#text ??= this.#openText('text', events);
    for (const annotation of annotations as unknown[])
      events.push({ type: 'annotation', ...this.#choice, blockId: this.#text.blockId, annotation });
  }

  #readCall(call: JsonObject, position: number, events: AnswerEvent[]): void {
    const custom = isObject(call['custom']) ? call['custom'] : undefined;
    const inner = custom ?? (isObject(call['function']) ? call['function'] : {});
    const name = filledString(inner['name']);
    const callId = filledString(call['id']);
    const known = this.#findCall(call['index'], callId, name, position);
    const target =
      known ??
      this.#addCall(
        call['index'],
        custom === undefined && call['type'] !== 'custom' ? 'tool_call' : 'custom_tool_call',
        false,
      );
    target.callId ??= callId;
    target.name ??= name;
    this.changesCall ||= callId !== undefined && callId !== target.callId;
    const first = events.length;
    this.#pushArguments(target, inner[custom === undefined ? 'arguments' : 'input'], events);
    const unknownInner = unknownOfFunction(inner);
    const unknown = {
      ...unknownOfCall(call),
      ...(unknownInner && { [custom === undefined ? 'function' : 'custom']: unknownInner }),
    };
    const carrier = events
      .slice(first)
      .findIndex((event) => event.type === 'block.start' || event.type === 'toolArgs.delta');
    const event = carrier === -1 ? undefined : events[first + carrier];
    if (event !== undefined && hasValue(unknown))
      events[first + carrier] = extendChoice(event, { delta: { tool_calls: unknown } });
  }

  #readLegacyCall(call: JsonObject, events: AnswerEvent[]): void {
    const target = this.#calls.find((candidate) => candidate.legacy) ?? this.#addCall(undefined, 'tool_call', true);
    target.name ??= filledString(call['name']);
    this.#pushArguments(target, call['arguments'], events);
  }

  /**
   * The call that a fragment belongs to. Some providers send no index, and some send every parallel call with index 0 and
   * an id of its own.
   */
  #findCall(
    index: unknown,
    callId: string | undefined,
    name: string | undefined,
    position: number,
  ): ToolCall | undefined {
    const calls = this.#calls.filter((call) => !call.legacy);
    // Another index and a name begin another call, though it may have the id of one before.
    const isOther = (call: ToolCall): boolean =>
      name !== undefined && isIndex(index) && call.index !== undefined && call.index !== index;
    const sameId = callId === undefined ? undefined : calls.find((call) => call.callId === callId && !isOther(call));
    if (sameId !== undefined) return sameId;
    if (isIndex(index)) {
      const last = calls.findLast((call) => call.index === index);
      const isAnother = last?.callId !== undefined && callId !== undefined && name !== undefined;
      return isAnother ? undefined : last;
    }
    return callId !== undefined || name !== undefined ? undefined : (calls[position] ?? calls.at(-1));
  }

  #addCall(index: unknown, kind: ToolKind, legacy: boolean): ToolCall {
    if (this.#calls.length >= maxBlocks) throw badFrame(`more than ${maxBlocks} tool calls in one answer`);
    const call: ToolCall = {
      index: isIndex(index) ? index : undefined,
      kind,
      legacy,
      blockId: undefined,
      callId: undefined,
      name: undefined,
      waiting: '',
    };
    this.#calls.push(call);
    return call;
  }

  #pushArguments(call: ToolCall, value: unknown, events: AnswerEvent[]): void {
    const json = typeof value === 'string' ? value : isPresent(value) ? JSON.stringify(value) : '';
    if (call.blockId === undefined) {
      call.waiting += json;
      if (call.name !== undefined || call.waiting.length > maxArgumentsBeforeName) this.#startCall(call, events);
      return;
    }
    if (json === '') return;
    if (this.finished && !this.#open.includes(call.blockId)) throw badFrame('arguments of a call that has ended');
    events.push({ type: 'toolArgs.delta', ...this.#choice, blockId: call.blockId, json });
  }

  #startCall(call: ToolCall, events: AnswerEvent[]): void {
    if (call.blockId !== undefined) return;
    this.#closeReasoning(events);
    call.blockId = this.#openBlock(
      {
        kind: call.kind,
        ...(call.index !== undefined && { nativeIndex: call.index }),
        ...(call.name !== undefined && { name: call.name }),
        ...(call.callId !== undefined && { callId: call.callId }),
        ...(call.legacy && { ext: { [openaiChat]: { choices: { delta: { function_call: {} } } } } }),
      },
      events,
    );
    if (call.waiting !== '')
      events.push({ type: 'toolArgs.delta', ...this.#choice, blockId: call.blockId, json: call.waiting });
    call.waiting = '';
  }

  /** Filter results are an event of their own when a filter saw something, or when the frame says nothing else. */
  #readVerdicts(choice: JsonObject, events: AnswerEvent[], first: number): void {
    const verdicts = choice['content_filter_results'];
    if (!isObject(verdicts) || Object.keys(verdicts).length === 0) return;
    const blocked = sawSomething(verdicts, 'filtered');
    if (
      !blocked &&
      !sawSomething(verdicts, 'detected') &&
      (events.length > first || isPresent(choice['finish_reason']))
    )
      return;
    events.push({
      type: 'safety',
      ...this.#choice,
      scope: 'completion',
      verdicts: [verdicts],
      blocked,
      ext: { [openaiChat]: { choices: { content_filter_results: verdicts } } },
    });
  }

  #harmlessVerdicts(choice: JsonObject, events: readonly AnswerEvent[], first: number): JsonObject {
    const verdicts = choice['content_filter_results'];
    if (!isObject(verdicts) || Object.keys(verdicts).length === 0) return {};
    return events.slice(first).some((event) => event.type === 'safety') ? {} : { content_filter_results: verdicts };
  }
}

/** Adds unknown fields of a choice to an event of it. */
function extendChoice(event: AnswerEvent, fields: JsonObject): AnswerEvent {
  const own = event.ext?.[openaiChat];
  const choices = isObject(own?.['choices']) ? own['choices'] : {};
  const delta = {
    ...(isObject(choices['delta']) && choices['delta']),
    ...(isObject(fields['delta']) && fields['delta']),
  };
  const merged = { ...choices, ...fields, ...(orNothing(delta) && { delta }) };
  return { ...event, ext: { ...event.ext, [openaiChat]: { ...own, choices: merged } } };
}

/** True when some verdict in it has this flag. */
export function sawSomething(verdicts: unknown, flag: 'filtered' | 'detected'): boolean {
  if (typeof verdicts !== 'object' || verdicts === null) return false;
  if (isObject(verdicts) && verdicts[flag] === true) return true;
  const items: unknown[] = Object.values(verdicts);
  return items.some((item) => sawSomething(item, flag));
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
