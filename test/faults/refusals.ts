import { expect } from '@jest/globals';
import { errorTable, type ErrorCode } from '../../src/kernel/error-table.ts';
import { answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import type { ProbeClient, ProbeRequest, ProbeResponse } from '../support/probe-client.ts';
import { streaming } from '../support/scenario.ts';
import type { ClientDialect } from '../support/terminals.ts';
import { codeFor, seenBy, type Form } from './seen.ts';
import { closeStages, openStage, type Stage, type StageOptions } from './stage.ts';

export const dialects: readonly ClientDialect[] = ['openai-chat', 'native'];
export const pathOf = (dialect: ClientDialect, name = 'support'): string =>
  `/pipelines/${name}/${dialect === 'native' ? 'chat' : 'v1/chat/completions'}`;
const formOf = (dialect: ClientDialect): Form => (dialect === 'native' ? 'native stream' : 'openai stream');

export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
}

/** What a code is before anything was sent. */
export const refusal = (code: ErrorCode): Refusal => ({ status: errorTable[code].status, code });

/**
 * A server that refuses one thing after another while a stream runs. At the end the stream must have every byte that it
 * would have had alone, and the provider must have seen nothing else.
 */
export class RefusingServer {
  readonly stage: Stage;
  /** Requests that were meant to be answered. */
  answered = 0;
  readonly #running: readonly ProbeClient[];
  /** The same streams as they are when nothing happens beside them. */
  readonly #alone: readonly ProbeClient[];

  private constructor(stage: Stage, alone: readonly ProbeClient[], running: readonly ProbeClient[]) {
    this.stage = stage;
    this.#alone = alone;
    this.#running = running;
  }

  static async start(options: StageOptions = {}): Promise<RefusingServer> {
    const held = streaming(
      [roleFrame(), textFrame('before ')],
      [{ wait: 'end' }, { write: { text: [textFrame('after'), finishFrame(), doneFrame].join('') } }],
    );
    const plain = streaming([roleFrame(), textFrame('before '), textFrame('after'), finishFrame(), doneFrame]);
    const hello = streaming(answerFrames({ text: ['Hello'] }));
    const stage = await openStage({ upstream: ({ index }) => [plain, plain, held, held][index] ?? hello, ...options });
    const alone: ProbeClient[] = [];
    for (const dialect of dialects) {
      const client = await stage.ask(formOf(dialect));
      await client.end();
      alone.push(client);
    }
    const running: ProbeClient[] = [];
    for (const dialect of dialects) {
      const client = await stage.ask(formOf(dialect));
      await client.until('before ');
      running.push(client);
    }
    return new RefusingServer(stage, alone, running);
  }

  /** Sends a request and expects it to be refused in the words of its dialect, with no one else the wiser. */
  async expectRefusal(request: ProbeRequest, dialect: ClientDialect, expected: Refusal): Promise<ProbeResponse> {
    const client = await this.stage.send(request, dialect);
    await client.end();
    const response = await client.response();
    expectRefusal(response, dialect, expected);
    this.expectNothingSent();
    client.destroy();
    return response;
  }

  /** Sends a request that is to be answered, and gives the body that the provider got. */
  async expectAnswer(request: ProbeRequest, dialect: ClientDialect): Promise<Readonly<Record<string, unknown>>> {
    const client = await this.stage.send(request, dialect);
    expect(await seenBy(client, formOf(dialect))).toMatchObject({ status: 200, end: 'ok', text: 'Hello' });
    this.answered += 1;
    this.expectNothingSent();
    client.destroy();
    return JSON.parse(this.stage.upstream.requests.at(-1)?.bodyText ?? '{}') as Record<string, unknown>;
  }

  expectNothingSent(): void {
    expect(this.stage.upstream.requests.length).toBe(this.#meant);
  }

  /** Runs that are no refusals. */
  get #meant(): number {
    return this.#alone.length + this.#running.length + this.answered;
  }

  async close(): Promise<void> {
    const { stage } = this;
    try {
      stage.upstream.release('end');
      for (const client of this.#running) expect(await client.end()).toBe('complete');
      const alone = await Promise.all(this.#alone.map(bodyOf));
      expect(alone.join('')).toContain('after');
      expect(await Promise.all(this.#running.map(bodyOf))).toEqual(alone);
      this.expectNothingSent();
      expect(stage.ended().map(({ fields }) => fields['outcome'])).toEqual(
        Array.from({ length: this.#meant }, () => 'ok'),
      );
    } finally {
      await closeStages();
    }
  }
}

/** Without the id, which is new for each run. */
async function bodyOf(client: ProbeClient): Promise<string> {
  return (await client.response()).text.replace(/"requestId":"[^"]+"/, '');
}

/** The whole answer, by the rules of its dialect. */
export function expectRefusal(response: ProbeResponse, dialect: ClientDialect, { status, code }: Refusal): void {
  const requestId = response.headers['x-sluice-run'];
  const body = response.json();
  expect([response.status, response.headers['cache-control']]).toEqual([status, 'no-store']);
  expect(requestId).toMatch(/^[\w-]{36}$/);
  if (dialect === 'native') {
    expect(response.headers['content-type']).toBe('application/problem+json');
    const { retryable } = errorTable[code];
    expect(body).toEqual({
      type: `urn:sluice:error:${code}`,
      title: expect.any(String),
      status,
      detail: expect.any(String),
      code,
      requestId,
      retryable,
    });
    return;
  }
  expect(response.headers['content-type']).toBe('application/json');
  const param = code === 'REQUEST_INVALID' ? expect.any(String) : null;
  expect(body).toEqual({
    error: {
      message: expect.any(String),
      type: expect.any(String),
      param,
      code: codeFor(code, 'openai stream'),
      request_id: requestId,
    },
  });
}
