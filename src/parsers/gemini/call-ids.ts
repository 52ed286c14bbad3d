interface Call {
  readonly callId: string;
  readonly name: string;
  answered: boolean;
}

/** Calls in order. What is answered is passed over once and never looked at again. */
class CallQueue {
  readonly #calls: Call[] = [];
  #next = 0;

  add(call: Call): void {
    this.#calls.push(call);
  }

  /** The earliest call without a result. */
  get first(): Call | undefined {
    while (this.#calls[this.#next]?.answered === true) this.#next += 1;
    return this.#calls[this.#next];
  }
}

/**
 * The calls of one conversation. The format needs no ids: a result then answers the earliest call of its name that has
 * none yet. Calls without an id get `call_1`, `call_2`, ... in the order in which they stand, so equal requests are equal.
 */
export class CallIds {
  readonly #taken: ReadonlySet<string>;
  readonly #byId = new Map<string, Call>();
  readonly #byName = new Map<string, CallQueue>();
  /** Those to which the client gave no id. */
  readonly #unnamed = new Map<string, CallQueue>();
  #serial = 0;

  /** `taken` are the ids that the client gave, anywhere in the conversation. */
  constructor(taken: ReadonlySet<string>) {
    this.#taken = taken;
  }

  /** The id of a call, which is what the client said or a new one. */
  add(name: string, given: string | undefined): string {
    const call = { callId: given ?? this.#newId(), name, answered: false };
    this.#byId.set(call.callId, call);
    queueOf(this.#byName, name).add(call);
    if (given === undefined) queueOf(this.#unnamed, name).add(call);
    return call.callId;
  }

  /** The id and the name of the call that a result answers, or undefined where there is none. */
  answer(name: string | undefined, given: string | undefined): Pick<Call, 'callId' | 'name'> | undefined {
    const call = this.#find(name ?? '', given);
    if (call !== undefined) call.answered = true;
    return call;
  }

  #find(name: string, given: string | undefined): Call | undefined {
    if (given === undefined) return this.#byName.get(name)?.first;
    return this.#byId.get(given) ?? this.#unnamed.get(name)?.first;
  }

  #newId(): string {
    let id: string;
    do id = `call_${(this.#serial += 1)}`;
    while (this.#taken.has(id));
    return id;
  }
}

function queueOf(queues: Map<string, CallQueue>, name: string): CallQueue {
  const queue = queues.get(name) ?? new CallQueue();
  queues.set(name, queue);
  return queue;
}
