export interface ChunkOptions {
  readonly delta?: Readonly<Record<string, unknown>>;
  /** More fields of the choice. */
  readonly choice?: Readonly<Record<string, unknown>>;
  /** More fields of the chunk. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** A filler behind everything else, as OpenAI pads its chunks. */
  readonly padding?: string;
  /** Written with blanks, as Python's `json.dumps` does. */
  readonly spaces?: boolean;
  /** Everything beyond ASCII as `\uXXXX`. */
  readonly escapeUnicode?: boolean;
}

/** One chunk of a chat completion as its SSE frame, in the form of OpenAI unless an option says otherwise. */
export function chunkFrame({
  delta = {},
  choice = {},
  fields = {},
  padding,
  spaces = false,
  escapeUnicode = false,
}: ChunkOptions): string {
  const chunk = {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'm',
    ...fields,
    choices: [{ index: 0, delta, finish_reason: null, ...choice }],
    ...(padding !== undefined && { obfuscation: padding }),
  };
  const json = spaces ? spaced(chunk) : JSON.stringify(chunk);
  return `data: ${escapeUnicode ? json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : json}\n\n`;
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}: ${spaced(inner)}`)
    .join(', ')}}`;
}
