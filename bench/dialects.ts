/** The formats of chat streams that the mock, the pipelines and the clients of the bench speak. */
export type Dialect = 'openai' | 'anthropic';

interface DialectFacts {
  /** Type of the backend whose provider speaks it. */
  readonly backend: string;
  /** What follows the base address in the paths of clients and providers. */
  readonly resource: string;
  /** The last bytes of every stream. At most `tailBytes` of answer-reader.ts. */
  readonly terminator: string;
}

export const dialects: Readonly<Record<Dialect, DialectFacts>> = {
  openai: { backend: 'openai-chat', resource: '/v1/chat/completions', terminator: 'data: [DONE]\n\n' },
  anthropic: {
    backend: 'anthropic-messages',
    resource: '/v1/messages',
    terminator: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  },
};

/** What the provider behind a gateway speaks, and what its client does. */
export interface DialectPair {
  readonly provider: Dialect;
  readonly client: Dialect;
}

/** Both formats, each passed on as it is and translated into the other. */
export const dialectPairs: readonly DialectPair[] = [
  { provider: 'openai', client: 'openai' },
  { provider: 'openai', client: 'anthropic' },
  { provider: 'anthropic', client: 'anthropic' },
  { provider: 'anthropic', client: 'openai' },
];

/** The pair with the same provider and nothing to translate. */
export function untranslated({ provider }: DialectPair): DialectPair {
  return { provider, client: provider };
}

/** Name of the system between the two; it reads as an answer goes. */
export function systemOfPair({ provider, client }: DialectPair): string {
  return `sluice-${provider}-to-${client}`;
}
