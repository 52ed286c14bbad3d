import { readNativeStream } from './native-reader.ts';
import { readOpenAiStream } from './openai-reader.ts';
import type { ProbeClient, ProbeResponse } from './probe-client.ts';

export type ClientDialect = 'openai-chat' | 'native';

/** What is wrong with the ends that a client saw; empty where each stream had one end, and one only. */
export function terminalFaults(client: ProbeClient, dialect: ClientDialect): readonly string[] {
  const faults = client.responses.flatMap((response, index) =>
    responseFaults(response, client, dialect).map((fault) => `response ${index}: ${fault}`),
  );
  if (client.malformed !== undefined) faults.push(`no HTTP: ${client.malformed}`);
  const unanswered = client.sent - client.responses.length;
  if (unanswered > 0 && client.leftBy === undefined && client.closed !== 'reset') {
    faults.push(`${unanswered} of ${client.sent} requests got neither an answer nor a reset`);
  }
  return faults;
}

function responseFaults(response: ProbeResponse, client: ProbeClient, dialect: ClientDialect): readonly string[] {
  if (response.end === undefined) return ['has not ended'];
  const left = client.leftBy !== undefined;
  if (!(response.headers['content-type'] ?? '').startsWith('text/event-stream')) return documentFaults(response, left);
  const faults = dialect === 'native' ? nativeFaults(response) : openAiFaults(response);
  const { count } = faults;
  // Without a good end of the HTTP message the client knows that something is missing: that is the reset.
  const broken = response.end !== 'complete';
  if (count > 1) return [...faults.list, `has ${count} terminals`];
  if (left) return faults.list;
  if (count === 0 && !broken) return [...faults.list, 'ends cleanly without a terminal'];
  if (count === 1 && broken) return [...faults.list, `has a terminal and a broken end (${response.end}) too`];
  return faults.list;
}

function documentFaults(response: ProbeResponse, left: boolean): readonly string[] {
  if (left && response.end !== 'complete') return [];
  if (response.end !== 'complete') return [`status ${response.status}: the document is cut (${response.end})`];
  if (!/\bjson\b/.test(response.headers['content-type'] ?? '')) return [];
  try {
    response.json();
    return [];
  } catch {
    return [`status ${response.status}: the document is no JSON`];
  }
}

interface Counted {
  readonly count: number;
  readonly list: readonly string[];
}

function openAiFaults(response: ProbeResponse): Counted {
  const { terminals, afterTerminal, malformed, validUtf8, tail } = readOpenAiStream(response.body);
  const list = [
    ...malformed.map((data) => `has a frame that is no JSON: ${JSON.stringify(data.slice(0, 200))}`),
    ...(afterTerminal > 0 ? [`has ${afterTerminal} frames behind its terminal`] : []),
    ...wholeFaults(response, validUtf8, tail),
  ];
  return { count: terminals.length, list };
}

/** Native: `stream.end` is the last event, once; an `error` stands right before it and agrees with its outcome. */
function nativeFaults(response: ProbeResponse): Counted {
  const { types, outcome, malformed, afterTerminal, validUtf8, tail } = readNativeStream(response.body);
  const ends = types.filter((type) => type === 'stream.end').length;
  const errors = types.filter((type) => type === 'error').length;
  const list = [
    ...malformed.map((data) => `has a frame that is no event: ${JSON.stringify(data.slice(0, 200))}`),
    ...(afterTerminal > 0 ? [`has ${afterTerminal} frames behind stream.end`] : []),
    ...(errors > 1 ? [`has ${errors} errors`] : []),
    ...(errors === 1 && types.at(-1) === 'stream.end' && types.at(-2) !== 'error'
      ? ['goes on between error and stream.end']
      : []),
    ...(ends > 0 && errors > 0 && outcome === 'ok' ? ['has an error and the outcome ok'] : []),
    ...(ends > 0 && errors === 0 && outcome === 'error' ? ['has the outcome error and no error'] : []),
    ...wholeFaults(response, validUtf8, tail),
  ];
  return { count: ends, list };
}

/** A message that is complete has no half frame and no half character. */
function wholeFaults(response: ProbeResponse, validUtf8: boolean, tail: string): readonly string[] {
  if (response.end !== 'complete') return [];
  return [
    ...(tail === '' ? [] : [`ends inside a frame: ${JSON.stringify(tail.slice(0, 200))}`]),
    ...(validUtf8 ? [] : ['is not valid UTF-8']),
  ];
}
