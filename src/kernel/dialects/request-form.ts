import { SluiceError } from '../errors.ts';
import type { RequestEvent } from '../event.ts';
import { foldRequest, unfoldRequest, type ChatRequest } from '../request.ts';

/** What a step pushed. */
interface Trail {
  readonly step: string;
  readonly events: readonly RequestEvent[];
}

/**
 * A request between two steps, as a whole or as events. Each form is made from the other when it is first asked for,
 * so steps that work on events hand them on without a fold between.
 */
export class RequestForm {
  #request: ChatRequest | undefined;
  #events: readonly RequestEvent[] | undefined;
  /** Everything that was pushed since the last fold, so that the step that broke the order is the one that is named. */
  readonly #trail: readonly Trail[];

  private constructor(
    request: ChatRequest | undefined,
    events: readonly RequestEvent[] | undefined,
    trail: readonly Trail[],
  ) {
    this.#request = request;
    this.#events = events;
    this.#trail = trail;
  }

  static whole(request: ChatRequest): RequestForm {
    return new RequestForm(request, undefined, []);
  }

  /** The request after `step` pushed `events` in place of it. */
  after(step: string, events: readonly RequestEvent[]): RequestForm {
    const before = this.#request === undefined ? this.#trail : [];
    return new RequestForm(undefined, events, [...before, { step, events }]);
  }

  get events(): readonly RequestEvent[] {
    this.#events ??= [...unfoldRequest(this.request)];
    return this.#events;
  }

  /** Throws PROCESSOR_FAILED, with the name of the step in its context, when the events are in no order. */
  get request(): ChatRequest {
    this.#request ??= this.#fold();
    return this.#request;
  }

  #fold(): ChatRequest {
    const events = this.#events ?? [];
    try {
      return foldRequest(events);
    } catch (error) {
      throw orderError(this.#trail.find((trail) => !isOrdered(trail.events)) ?? { step: 'unknown', events }, error);
    }
  }
}

function isOrdered(events: readonly RequestEvent[]): boolean {
  try {
    foldRequest(events);
    return true;
  } catch {
    return false;
  }
}

function orderError({ step }: Trail, cause: unknown): SluiceError {
  const { message } = Object(cause) as { message?: string };
  return new SluiceError('PROCESSOR_FAILED', {
    cause,
    context: { component: step, reason: `it broke the order of events: ${message ?? 'unknown'}` },
  });
}
