import type { NeutralAnswer, ProviderReply } from '../../neutral.ts';

/** One event of an event stream. */
export function sse(data: unknown, event?: string, lineEnd = '\n'): Buffer {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const name = event === undefined ? '' : `event: ${event}${lineEnd}`;
  return Buffer.from(`${name}data: ${text}${lineEnd}${lineEnd}`);
}

/** A value as JSON text in about four pieces, cut between code points. */
export function fragments(value: unknown): readonly string[] {
  const points = Array.from(JSON.stringify(value));
  const size = Math.max(1, Math.ceil(points.length / 4));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) =>
    points.slice(index * size, (index + 1) * size).join(''),
  );
}

export function streamOf(pieces: readonly Buffer[], headers: Readonly<Record<string, string>>): ProviderReply {
  return { status: 200, headers, pieces };
}

export function documentOf(
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): ProviderReply {
  const body = Buffer.from(JSON.stringify(value));
  const length = { 'content-type': 'application/json', 'content-length': String(body.length) };
  return { status, headers: { ...length, ...headers }, pieces: [body] };
}

/** The first half of a list, at least one. */
export function firstHalf<T>(list: readonly T[]): readonly T[] {
  return list.slice(0, Math.ceil(list.length / 2));
}

export function joined(pieces: readonly string[] | undefined): string {
  return (pieces ?? []).join('');
}

/** What the format calls the finish. Throws where it has no word for it. */
export function finishWord<T>(answer: NeutralAnswer, words: Readonly<Partial<Record<string, T>>>): T {
  const word = words[answer.finish];
  if (word === undefined) throw new Error(`this format can't say the finish "${answer.finish}"`);
  return word;
}
