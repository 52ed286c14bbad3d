import type { RowId } from './catalogue.ts';

/** Rows of the catalogue that no scenario proves yet, each with the reason. */
export const pending: Readonly<Partial<Record<RowId, string>>> = {
  'dns-again': 'There is no retry yet: an attempt is made once, whatever the resolver says.',
  'dns-cache': 'Names are resolved by the system at each connection; there is no cache of our own.',
  'ambiguous-retry': 'There is no retry setting yet. That a first use is not repeated is proven by first-use-reset.',
  fallback: 'Routing names one backend; fallback comes with the routing rules.',
  'retry-budget': 'There is no retry yet but that of a stale connection.',
  continuation: 'No backend can continue an answer that another one began.',
  outlier: 'Backends are neither counted nor left out yet.',
  'bad-frame-skip': 'A pipeline has no setting for bad events; they fail the stream.',
  'invalid-utf8-count':
    'No counter and no strict setting exist. That the bytes become U+FFFD is proven by invalid-utf8.',
  'tolerate-content-type': 'A pipeline has no such setting; a wrong content type is always refused.',
  cooling:
    'With one target there is nothing to turn to. That Retry-After reaches the client is proven by rate-limited.',
  'split-large-text': 'An event is passed on in the size in which it came, up to limits.maxFrameBytes.',
  inflate: 'Compressed answers are refused (compressed); we ask for none.',
  'usage-wait': 'The end of the stream is waited for, up to the idle timer; usage-late proves what comes before it.',
  'complete-mode': 'The definition has no output.onClientDisconnect yet: a client that leaves cancels.',
  'slow-head': "The limit is headersTimeout of Node's server, on Node's own timer, which no test clock moves.",
  'socket-cap': 'Connections are not counted per address yet.',
};
