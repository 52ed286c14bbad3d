import { refuse } from './reading.ts';

interface Call {
  readonly id: string;
  readonly name: string;
}

/** Keeps which tool calls of a conversation wait for their result. */
export class CallLedger {
  readonly #seen = new Set<string>();
  #open: Call[] = [];

  /** Notes a call. Refuses an id that was used before. */
  call(id: string, name: string, path: string): void {
    if (this.#seen.has(id)) refuse(path, `the id "${id}" belongs to another call`);
    this.#seen.add(id);
    this.#open.push({ id, name });
  }

  /** Notes the result of a call and gives its name. Refuses one that answers no call of the turn before. */
  answer(id: string, path: string): string {
    const call = this.#open.find((open) => open.id === id);
    if (call === undefined) return refuse(path, `no call of the turn before has the id "${id}"`);
    this.#open = this.#open.filter((open) => open !== call);
    return call.name;
  }

  /** Notes a result that is matched by the name of its tool, and gives the id of the call. */
  answerByName(name: string, path: string): string {
    const call = this.#open.find((open) => open.name === name);
    if (call === undefined) return refuse(path, `no call of the turn before is of the tool "${name}"`);
    return this.answer(call.id, path) === name ? call.id : refuse(path, 'is of another tool');
  }

  /** Notes a result that is matched by its place. */
  answerNext(path: string): string {
    const call = this.#open[0];
    if (call === undefined) return refuse(path, 'answers no call');
    this.answer(call.id, path);
    return call.id;
  }

  get waiting(): boolean {
    return this.#open.length > 0;
  }

  /** Refuses calls that have no result by now. */
  settle(path: string): void {
    if (this.#open.length > 0)
      refuse(
        path,
        `calls without result before this: ${this.#open.map(({ id, name }) => `${name} (${id})`).join(', ')}`,
      );
  }
}
