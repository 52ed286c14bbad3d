import type { NeutralClient, NeutralProvider, NeutralReading, NeutralRequest } from '../neutral.ts';
import type { Case } from './cases.ts';
import { answerDifferences, requestDifferences } from './differences.ts';
import { judge } from './judge.ts';
import type { Outcome } from './results.ts';
import type { Exchange, Stage } from './stage.ts';

/** Plays a case for a pair, streamed and in one document. */
export async function play(
  stage: Stage,
  client: NeutralClient,
  provider: NeutralProvider,
  one: Case,
): Promise<Outcome> {
  const side = wordless(client, provider, one);
  if (side !== undefined) return { kind: 'absent', side, lost: [], complaints: [] };
  const outcomes: Outcome[] = [];
  for (const stream of [true, false]) outcomes.push(await playOnce(stage, client, provider, one, stream));
  const [streamed] = outcomes;
  return {
    kind: streamed?.kind ?? 'absent',
    lost: [...new Set(outcomes.flatMap(({ lost }) => lost))].sort(),
    complaints: joinComplaints(outcomes),
  };
}

/** What is wrong both ways is said once. */
function joinComplaints([streamed, whole]: readonly Outcome[]): readonly string[] {
  const [left, right] = [streamed?.complaints ?? [], whole?.complaints ?? []];
  return [
    ...left.map((complaint) => (right.includes(complaint) ? complaint : `streamed: ${complaint}`)),
    ...right.filter((complaint) => !left.includes(complaint)).map((complaint) => `in one piece: ${complaint}`),
  ];
}

/** Which side has no words for what the case is about. */
function wordless(client: NeutralClient, provider: NeutralProvider, one: Case): Outcome['side'] {
  const { feature, needs, answer } = one;
  if (feature !== undefined && client.lacks.includes(feature)) return 'client';
  if (needs !== undefined && !provider.can[needs]) return 'provider';
  return provider.can.finishes?.includes(answer.finish) === false ? 'provider' : undefined;
}

async function playOnce(
  stage: Stage,
  client: NeutralClient,
  provider: NeutralProvider,
  one: Case,
  stream: boolean,
): Promise<Outcome> {
  const pieces = stream ? one.name.length * 7 + client.dialect.length * 31 + provider.type.length : 'whole';
  const say = (answer: Case['answer']) =>
    ({
      reply: (streams: boolean) => (streams ? provider.stream(answer) : provider.document(answer)),
      cut: pieces,
    }) as const;
  const first = await stage.ask(client, provider, one.request, stream, say(one.answer));
  const refusal = refusalOf(first, client, one);
  if (refusal !== undefined) return refusal;
  const reading = read(client, first, stream);
  const complaints = [
    ...check(one.request, first, reading, one, client, provider),
    ...streamComplaints(first, provider, stream),
  ];
  if (one.then === undefined || complaints.length > 0) return { kind: 'done', lost: first.lost, complaints };
  const again = withAnswer(one, reading);
  const second = await stage.ask(
    client,
    provider,
    again,
    stream,
    say({ text: ['Done.'], finish: 'stop', usage: one.answer.usage }),
  );
  return {
    kind: 'done',
    lost: [...new Set([...first.lost, ...second.lost])],
    complaints: secondComplaints(second, one, client, provider),
  };
}

function read(client: NeutralClient, { body }: Exchange, stream: boolean): NeutralReading {
  return stream ? client.readStream(body) : client.readDocument(body.toString('utf8'));
}

/** A 4xx that says which field can't be told is an honest answer where a loss would change the question. */
function refusalOf(exchange: Exchange, client: NeutralClient, { about, ask }: Case): Outcome | undefined {
  if (exchange.status === 200) return undefined;
  const { message } = client.readError(exchange.body.toString('utf8'));
  const isHonest =
    about === 'request' &&
    (ask === 'image' || ask === 'image_url') &&
    exchange.status === 400 &&
    exchange.asked === undefined &&
    /^[a-z_A-Z]+(\[\d+\]|\.)\S*: /.test(message);
  return isHonest
    ? { kind: 'refused', lost: [], complaints: [] }
    : {
        kind: 'done',
        lost: [],
        complaints: [`status ${exchange.status}: ${message}; sent ${exchange.asked?.body ?? 'nothing'}`],
      };
}

function check(
  told: NeutralRequest,
  exchange: Exchange,
  reading: NeutralReading,
  one: Case,
  client: NeutralClient,
  provider: NeutralProvider,
): readonly string[] {
  const { asked, lost } = exchange;
  if (reading.end !== 'ok') return [`the client read ${reading.end}: ${reading.error?.message ?? ''}`];
  if (asked === undefined) return ['the provider was not asked'];
  const request = readRequest(provider, asked);
  if (typeof request === 'string') return [`the provider refuses: ${request}; sent ${asked.body}`];
  const requestLosses = lost.filter((loss) => loss.startsWith('request.'));
  return [
    ...judge(requestDifferences(sayable(told, client), request, client, provider), requestLosses, provider.can.asks),
    ...judge(
      answerDifferences(one.answer, reading, client, provider),
      lost.filter((loss) => loss.startsWith('answer.')),
    ),
    ...headerComplaints(exchange),
  ];
}

function streamComplaints({ asked }: Exchange, provider: NeutralProvider, stream: boolean): readonly string[] {
  if (asked === undefined || provider.isStream(asked.path, asked.body) === stream) return [];
  return [`the provider is asked ${stream ? 'for one piece' : 'to stream'}`];
}

function headerComplaints({ lost, warnings }: Exchange): readonly string[] {
  return [
    ...lost
      .filter((loss) => loss.startsWith('request.') && !warnings.includes(loss))
      .map((loss) => `${loss} is not in the header`),
    ...warnings.filter((loss) => !lost.includes(loss)).map((loss) => `${loss} is in the header, and not in the log`),
  ];
}

function readRequest(provider: NeutralProvider, asked: NonNullable<Exchange['asked']>): NeutralRequest | string {
  try {
    return provider.readRequest(asked.path, asked.body);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The request without what the client's format has no words for. */
function sayable(request: NeutralRequest, client: NeutralClient): NeutralRequest {
  const lacking = new Set<string>(client.lacks);
  const messages = request.messages.map((message) => {
    if (message.role !== 'tool' || !lacking.has('isError')) return message;
    const { isError: _unsaid, ...rest } = message;
    return rest;
  });
  const said = Object.entries(request).filter(([name]) => !lacking.has(name));
  return { ...(Object.fromEntries(said) as Omit<NeutralRequest, 'messages'>), messages };
}

function withAnswer(one: Case, { answer }: NeutralReading): NeutralRequest {
  const { text, reasoning, signature, toolCalls } = answer;
  const ids = new Map(one.answer.toolCalls?.map(({ id }, index) => [id, toolCalls[index]?.id ?? id]));
  const results = (one.then ?? []).map((message) =>
    message.role === 'tool' ? { ...message, callId: ids.get(message.callId) ?? message.callId } : message,
  );
  return {
    ...one.request,
    messages: [
      ...one.request.messages,
      {
        role: 'assistant',
        text,
        reasoning: { text: reasoning, ...(signature !== undefined && { signature }) },
        toolCalls,
      },
      ...results,
    ],
  };
}

/** The provider must find its own proof again, byte for byte, through every client that could carry it. */
function secondComplaints(
  exchange: Exchange,
  one: Case,
  client: NeutralClient,
  provider: NeutralProvider,
): readonly string[] {
  const { asked, lost } = exchange;
  if (asked === undefined) return [`the second turn: status ${exchange.status} ${exchange.body.toString('utf8')}`];
  const request = readRequest(provider, asked);
  if (typeof request === 'string') return [`the provider refuses the second turn: ${request}; sent ${asked.body}`];
  const { answer } = one;
  const carries = client.can.signature && provider.can.signature;
  const told: NeutralRequest = {
    ...one.request,
    messages: [
      ...one.request.messages,
      {
        role: 'assistant',
        text: (answer.text ?? []).join(''),
        reasoning: { text: (answer.reasoning ?? []).join(''), ...(carries && { signature: answer.signature ?? '' }) },
        toolCalls: answer.toolCalls ?? [],
      },
      ...(one.then ?? []),
    ],
  };
  return [
    ...judge(
      requestDifferences(sayable(told, client), request, client, provider),
      lost.filter((loss) => loss.startsWith('request.')),
      provider.can.asks,
    ),
    ...headerComplaints(exchange),
  ].map((complaint) => `second turn: ${complaint}`);
}
