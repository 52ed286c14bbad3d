import type { Bound } from '../../../src/kernel/bound-modifier.ts';
import type { Modifier } from '../../../src/kernel/modifier.ts';
import { clientNames, type ClientName } from '../../support/play-answer.ts';
import { playRun, type PlayedRun, type ProviderBytes, type RunPlay } from '../../support/play-run.ts';
import { providerNames, type ProviderName } from '../../support/rich-answers.ts';
import { neutralClients } from '../clients.ts';
import { cut, type Cut } from '../matrix/cuts.ts';
import type { NeutralAnswer, NeutralClient, NeutralProvider, NeutralReading, ProviderReply } from '../neutral.ts';
import { neutralProviders } from '../providers.ts';

/** Whether the client asks for a stream, and whether the provider answers with one, whatever it was asked. */
export interface Form {
  readonly name: string;
  readonly client: boolean;
  readonly provider: boolean;
}

export const streamed: Form = { name: 'streamed', client: true, provider: true };
export const forms: readonly Form[] = [
  streamed,
  { name: 'in one document', client: false, provider: false },
  { name: 'streamed to a client that asked for a document', client: false, provider: true },
  { name: 'in one document to a client that asked for a stream', client: true, provider: false },
];

export interface Pair {
  readonly client: NeutralClient & { readonly dialect: ClientName };
  readonly provider: NeutralProvider & { readonly type: ProviderName };
}

const isClient = (client: NeutralClient): client is Pair['client'] =>
  clientNames.some((name) => name === client.dialect);
const isProvider = (provider: NeutralProvider): provider is Pair['provider'] =>
  providerNames.some((name) => name === provider.type);

export const clients = neutralClients.filter(isClient);
export const providers = neutralProviders.filter(isProvider);

/** The bytes of a reply, in one piece, in its own, or cut anywhere. */
export type Pieces = Cut | 'at once';

export function bytesOf({ headers, pieces }: ProviderReply, way: Pieces = 'whole'): ProviderBytes {
  const contentType = headers['content-type'] ?? '';
  return { contentType, pieces: way === 'at once' ? [Buffer.concat(pieces)] : cut(pieces, way) };
}

export interface Heard extends PlayedRun {
  /** What the client has read. */
  readonly reading: NeutralReading;
  /** Everything that it got, with what is written as an escape written out. */
  readonly shown: string;
}

/** Has a client of a dialect read an answer of the provider. */
export async function hear(
  { client, provider }: Pair,
  answer: ProviderBytes,
  steps: readonly Bound<Modifier>[],
  stream = true,
  prepare?: RunPlay['prepare'],
): Promise<Heard> {
  const play = { provider: provider.type, client: client.dialect, answer, steps, stream };
  const played = await playRun({ ...play, ...(prepare && { prepare }) });
  const body = played.bytes.toString('utf8');
  const reading = read(client, played, stream, body);
  return { ...played, reading, shown: unescaped(body) };
}

function read(client: NeutralClient, { refused, bytes }: PlayedRun, stream: boolean, body: string): NeutralReading {
  if (refused)
    return { answer: { text: '', reasoning: '', toolCalls: [] }, end: 'error', error: client.readError(body) };
  return stream ? client.readStream(bytes) : client.readDocument(body);
}

/** The same in one of the forms. */
export function hearForm(
  pair: Pair,
  form: Form,
  answer: NeutralAnswer,
  steps: readonly Bound<Modifier>[],
  way: Pieces = 'whole',
  prepare?: RunPlay['prepare'],
): Promise<Heard> {
  const { provider } = pair;
  const reply = form.provider ? provider.stream(answer) : provider.document(answer);
  return hear(pair, bytesOf(reply, way), steps, form.client, prepare);
}

/** Written out once and once more: a JSON text may stand in a string of another. */
export function unescaped(text: string): string {
  const once = (words: string): string =>
    words.replace(/\\u([\da-fA-F]{4})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return once(once(text).replaceAll('\\\\', '\\'));
}

/** What went wrong of all pairs of one client: an empty list where nothing did. */
export async function complaintsOf(
  client: Pair['client'],
  check: (pair: Pair) => Promise<readonly string[]>,
  among: readonly Pair['provider'][] = providers,
): Promise<readonly string[]> {
  const complaints: string[] = [];
  for (const provider of among) {
    const found = await check({ client, provider });
    complaints.push(...found.map((complaint) => `${provider.type}: ${complaint}`));
  }
  return complaints;
}

/** The difference of two values, for a complaint: what stands around the first one. */
export function differs(what: string, found: unknown, wanted: unknown): readonly string[] {
  const [left, right] = [JSON.stringify(found) ?? '', JSON.stringify(wanted) ?? ''];
  if (left === right) return [];
  let at = 0;
  while (left[at] === right[at]) at += 1;
  const around = (text: string): string => text.slice(Math.max(0, at - shownAround), at + shownAround);
  return [`${what} is …${around(left)}…, not …${around(right)}…`];
}

const shownAround = 300;
