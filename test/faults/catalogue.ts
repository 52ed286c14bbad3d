/*
 * The failure catalogue of the relay: what may go wrong upstream (3.1 transport, 3.2 content), at the client (3.3) and where
 * credentials come from (3.4; what processors and modifiers do wrong is proven with the chains that hold them).
 * A line of the catalogue that promises several things is several rows here, so that each is either proven or pending.
 */

export interface Row {
  readonly table: '3.1' | '3.2' | '3.3' | '3.4';
  readonly title: string;
}

const transport = {
  'connection-refused': 'the connection is refused',
  'dns-failure': 'the host name can not be resolved',
  'dns-again': 'a resolver that is busy is asked once more',
  'dns-cache': 'addresses are kept for 30 s, and stale ones serve while the resolver is down',
  'tls-error': 'there is no trusted TLS connection',
  'tls-handshake-stall': 'the TLS handshake never ends',
  'no-headers': 'a request is accepted and never answered',
  'stale-socket': 'a kept connection is closed just when it is used again',
  'first-use-reset': 'a new connection is reset before a byte of the answer',
  'ambiguous-retry': 'a pipeline may ask for a retry that can bill twice',
  'not-http': 'the answer is no HTTP, or its head is too large',
  'slow-first-token': 'the head comes at once, the first content late or never',
  stall: 'a stream stops in the middle',
  'no-progress': 'a stream stops in the middle and is kept open by pings',
  reset: 'a stream is reset',
  cut: 'a stream ends inside a chunk, or short of its length',
  'clean-end-unfinished': 'a stream ends cleanly without a terminator and without a finish reason',
  'clean-end-finished': 'a stream ends cleanly after its finish reason, without a terminator',
  'endless-bytes': 'a stream never ends and grows',
  'endless-time': 'a stream never ends and lasts',
  packets: 'the same bytes come in other packets',
  'byte-order-mark': 'the stream begins with a byte order mark',
  heartbeat: 'the client gets signs of life from the commit of the head to the end',
  fallback: 'another target takes over while no content was written',
  'retry-budget': 'retries are at most a fifth of the running requests',
  continuation: 'a pipeline may ask for a stream to be continued by another target',
  outlier: 'failures of a target are counted, and it is left out for a while',
} as const;

const content = {
  'truncated-json': 'a complete event holds half a JSON text',
  'bad-frame-skip': 'a pipeline may have bad events skipped and counted',
  'invalid-utf8': 'bytes that are no UTF-8',
  'invalid-utf8-count': 'a stream with invalid UTF-8 is counted; a strict pipeline fails it',
  'error-under-200': 'a status of 200 with an error document, or an error as the first event',
  'error-mid-stream': 'an error event in the middle of a stream',
  html: 'a page, or another wrong content type',
  'tolerate-content-type': 'a pipeline may take an event stream under a wrong content type',
  redirect: 'a redirect is not followed',
  'rate-limited': 'a status of 429, with and without Retry-After',
  cooling: 'a target that limits its rate is left alone until it may be asked again',
  'refused-credential': 'a status of 401 or 403',
  'refresh-credential': 'a refused dynamic credential is renewed, and the request tried once more',
  'expired-mid-flight': 'a credential is refused while another stream runs on it',
  'server-error': 'a status of 500 and more',
  rejected: 'a status of 4xx that blames the request',
  'huge-line': 'one line of 10 MB',
  'split-large-text': 'events of more than 256 KiB are split for the client where they are text',
  compressed: 'the answer is compressed although it was asked not to be',
  inflate: 'a compressed answer is inflated, within bounds',
  'after-terminator': 'a second terminator, and data behind the first',
  comments: 'comments, pings, retry lines and unknown events',
  'usage-missing': 'no usage comes',
  'usage-late': 'usage comes behind the finish reason',
  'usage-wait': 'a usage that stays away is waited for two seconds at most',
} as const;

const client = {
  'gone-in-upload': 'the client leaves while its body arrives',
  'gone-waiting': 'the client leaves before the first content',
  'gone-in-stream': 'the client leaves in the middle of the stream',
  'gone-after-end': 'the client leaves behind the terminator',
  'gone-in-token-fetch': 'the client leaves while a credential is fetched',
  'complete-mode': 'a pipeline may let a stream run on without its client',
  'half-close': 'the client closes its half of the connection',
  'slow-client': 'the client does not read',
  'idle-streams': 'many idle streams share one timer',
  'slow-head': 'the head of a request comes in trickles',
  'slow-body': 'the body of a request comes in trickles',
  'socket-cap': 'connections without a request are limited per address',
  'bad-body': 'the body is too large, too deep, of a wrong length, no UTF-8, or says a key twice',
  pipelined: 'a second request on the connection of a stream',
  'wrong-method': 'HEAD, OPTIONS or GET on the path of a chat',
} as const;

const tokens = {
  'token-down': 'a token server is down, or up and down',
  'token-slow': 'a token server is slow, or frozen',
  'token-garbage': 'a token server answers with what is no token',
  'token-stampede': 'many runs need a new token at once',
  'token-elsewhere': 'somebody wants a credential to be sent elsewhere',
  'token-reserve': 'a credential can not be had or is refused, and another one is there',
  'token-secrets': 'whoever sees a secret repeats it',
} as const;

export type RowId = keyof typeof transport | keyof typeof content | keyof typeof client | keyof typeof tokens;

/** All rows, by their id. */
export const catalogue: ReadonlyMap<RowId, Row> = new Map([
  ...rowsOf('3.1', transport),
  ...rowsOf('3.2', content),
  ...rowsOf('3.3', client),
  ...rowsOf('3.4', tokens),
]);

/** The name of a group of scenarios that prove a row; naming a row in this way is what covers it. */
export function row(id: RowId): string {
  const found = catalogue.get(id);
  if (found === undefined) throw new Error(`The catalogue has no row "${id}".`);
  return `${found.table} ${id}: ${found.title}`;
}

function rowsOf<Id extends RowId>(table: Row['table'], titles: Readonly<Record<Id, string>>): [RowId, Row][] {
  return Object.entries<string>(titles).map(([id, title]) => [id as Id, { table, title }]);
}
