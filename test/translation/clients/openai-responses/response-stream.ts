import { isDeepStrictEqual } from 'node:util';
import { clone, demand, filled, given, list, object, ReportedError, text, type Json } from '../strict.ts';

type Item = Record<string, unknown>;

/** Where the text of a delta goes: the list of the item, the type of its part, the field of the part. */
const texts: Readonly<Record<string, readonly [list: string, type: string, field: string, index: string]>> = {
  'response.output_text': ['content', 'output_text', 'text', 'content_index'],
  'response.refusal': ['content', 'refusal', 'refusal', 'content_index'],
  'response.reasoning_text': ['content', 'reasoning_text', 'text', 'content_index'],
  'response.reasoning_summary_text': ['summary', 'summary_text', 'text', 'summary_index'],
};
const ends = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/** Accumulates the events of a response as openai-node does, and takes nothing that it would not take. */
export class ResponseStream {
  response: Item | undefined;
  #sequence: number | undefined;
  #items: Item[] = [];
  readonly #open = new Set<Item>();
  readonly #openParts = new Set<unknown>();
  #ended = false;
  #error: ReportedError | undefined;

  frame(event: string, frame: Json): void {
    const type = filled(frame['type'], 'type of an event');
    demand(event === type, `the event ${event} says ${type}`);
    demand(!this.#ended || type === 'error', `${type} behind the end`);
    const sequence = frame['sequence_number'];
    demand(typeof sequence === 'number', 'no sequence_number');
    demand(this.#sequence === undefined || sequence === this.#sequence + 1, `sequence_number is ${sequence}`);
    this.#sequence = sequence;
    if (type === 'error') {
      this.#error = new ReportedError({ message: filled(frame['message'], 'message'), ...codeOf(frame) });
      return;
    }
    if (isLifecycle(type)) return this.#lifecycle(type, object(frame['response'], 'response'));
    demand(this.response !== undefined, `${type} before response.created`);
    this.#item(type, frame);
  }

  end(): void {
    if (this.#error !== undefined) throw this.#error;
    demand(this.#ended, 'no end of the response');
    demand(this.#open.size === 0, 'an item is not done');
  }

  #lifecycle(type: string, response: Json): void {
    const isFirst = this.response === undefined;
    demand((type === 'response.created') === isFirst, `${type} out of its order`);
    demand(isFirst || response['id'] === this.response?.['id'], 'Lifecycle response identity changed');
    list(response['output'], 'output');
    if (!ends.has(type)) {
      demand(response['status'] === 'in_progress', `${type} with the status ${String(response['status'])}`);
      this.response = { ...response, output: this.#items };
      return;
    }
    demand(`response.${String(response['status'])}` === type, `${type} with the status ${String(response['status'])}`);
    this.#ended = true;
    if (type !== 'response.failed') {
      demand(this.#open.size === 0, 'the end while an item is open');
      demand(isDeepStrictEqual(response['output'], this.#items), 'the output at the end is not what was streamed');
    } else this.#open.clear();
    this.response = { ...response };
  }

  #item(type: string, frame: Json): void {
    if (type === 'response.output_item.added') return this.#added(frame);
    const item = this.#at(frame, type);
    if (type === 'response.output_item.done') return this.#done(item, frame);
    demand(frame['item_id'] === item['id'], `${type} for another item`);
    const [kind, isDelta] = [type.replace(/\.(delta|done)$/, ''), type.endsWith('.delta')];
    if (type.startsWith('response.content_part.')) return this.#part(item, 'content', 'content_index', type, frame);
    if (type.startsWith('response.reasoning_summary_part.'))
      return this.#part(item, 'summary', 'summary_index', type, frame);
    if (kind === 'response.function_call_arguments') return growCall(item, frame, isDelta);
    const place = texts[kind];
    demand(place !== undefined, `an event ${type}`);
    const [name, partType, field, index] = place;
    const part = object(list(item[name], name)[indexOf(frame, index)], 'the part of a delta') as Item;
    demand(part['type'] === partType, `${type} for a part ${String(part['type'])}`);
    demand(this.#openParts.has(part), `${type} for a part that is done`);
    if (isDelta) part[field] = text(part[field], field) + text(frame['delta'], 'delta');
    else demand(frame[field] === part[field], `${type} says another text than the deltas`);
  }

  #added(frame: Json): void {
    demand(indexOf(frame, 'output_index') === this.#items.length, 'an item that skips an index');
    const item = clone(object(frame['item'], 'item')) as Item;
    filled(item['id'], 'id of an item');
    demand(
      this.#items.every(({ id }) => id !== item['id']),
      'two items of one id',
    );
    if (item['type'] === 'function_call') {
      filled(item['name'], 'name of a call');
      filled(item['call_id'], 'call_id');
      demand(item['arguments'] === '', 'arguments at the start of a call');
    } else if (item['type'] === 'message')
      demand(list(item['content'], 'content').length === 0, 'content at the start');
    else demand(item['type'] === 'reasoning', `an item ${String(item['type'])}`);
    this.#items.push(item);
    this.#open.add(item);
  }

  #done(item: Item, frame: Json): void {
    const done = object(frame['item'], 'item');
    demand(done['id'] === item['id'], 'the id of an item changes');
    for (const field of ['name', 'call_id', 'arguments', 'content', 'summary'])
      if (field in item || given(done[field]))
        demand(isDeepStrictEqual(done[field] ?? [], item[field] ?? []), `${field} of an item that is done differs`);
    demand(!listed(item).some((part) => this.#openParts.has(part)), 'an item is done before its part');
    this.#open.delete(item);
    for (const name of Object.keys(item)) delete item[name];
    Object.assign(item, clone(done));
  }

  #part(item: Item, name: string, index: string, type: string, frame: Json): void {
    const parts = (item[name] ??= []) as Item[];
    const part = object(frame['part'], 'part');
    if (type.endsWith('.added')) {
      demand(indexOf(frame, index) === parts.length, 'a part that skips an index');
      const fresh = clone(part) as Item;
      parts.push(fresh);
      this.#openParts.add(fresh);
      return;
    }
    const own = parts[indexOf(frame, index)];
    demand(own !== undefined && this.#openParts.delete(own), 'the end of a part that is not open');
    const { annotations: _given, logprobs: _theirs, ...said } = part;
    const { annotations: _own, logprobs: _ours, ...read } = own;
    demand(isDeepStrictEqual(said, read), 'a part that is done differs');
    Object.assign(own, clone(part));
  }

  #at(frame: Json, type: string): Item {
    const index = indexOf(frame, 'output_index');
    const item = this.#items[index];
    demand(item !== undefined && this.#open.has(item), `${type}: missing output at index ${index}`);
    return item;
  }
}

const isLifecycle = (type: string): boolean =>
  ends.has(type) || ['response.created', 'response.in_progress', 'response.queued'].includes(type);

const codeOf = ({ code }: Json): { readonly code?: string } => (typeof code === 'string' ? { code } : {});

const listed = (item: Item): readonly unknown[] =>
  ['content', 'summary'].flatMap((name) => (Array.isArray(item[name]) ? (item[name] as unknown[]) : []));

function indexOf(frame: Json, name: string): number {
  const index = frame[name];
  demand(typeof index === 'number', `no ${name}`);
  return index;
}

function growCall(item: Item, frame: Json, isDelta: boolean): void {
  demand(item['type'] === 'function_call', 'arguments for an item that is no call');
  if (isDelta) item['arguments'] = text(item['arguments'], 'arguments') + text(frame['delta'], 'delta');
  else demand(frame['arguments'] === item['arguments'], 'the arguments at the end are not the deltas');
}
