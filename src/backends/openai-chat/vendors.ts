import { azureHosts } from '../../kernel/dialects/backend-target.ts';

/*
 * How servers that call themselves compatible differ in what they take. What they send back needs no table: the decoder
 * reads all spellings. Facts: the references of the vendors, and recorded requests and refusals.
 *
 * A client of this format speaks to this gateway, whose next backend may be another vendor's. So what a vendor is known
 * to answer with an error is said in its own words or left out for every client, and named. What a vendor merely ignores
 * is left out of a translation only. `compatible` is sent what the client said.
 */

export interface Vendor {
  /** Hosts, or ends of hosts, by which the vendor is known. */
  readonly hosts: readonly string[];
  /** Requests of this format go out as the client said: nothing is known about the server. */
  readonly asSaid?: true;
  /** The limit of output tokens. */
  readonly maxTokensField: 'max_completion_tokens' | 'max_tokens';
  /** The other name for it is refused, or has no effect. */
  readonly onlyThatField?: true;
  /** `stream_options.include_usage` is asked for; false where usage comes unasked. */
  readonly includeUsage: boolean;
  /** False where `stream_options` are refused. */
  readonly streamOptions?: boolean;
  /** Fields of the body that are answered with an error. */
  readonly refuses: readonly string[];
  /** Fields of the body that are taken and have no effect. */
  readonly ignores?: readonly string[];
  /** Another name for `seed`. */
  readonly seedField?: 'random_seed';
  /** Answers by a schema are refused, plain JSON is not. */
  readonly jsonSchema?: false;
  /**
   * How a wish for reasoning is said: `reasoning_effort`; `reasoning: {effort, max_tokens, exclude}`; `thinking: {type}`
   * beside `reasoning_effort`; `enable_thinking` with `thinking_budget`.
   */
  readonly reasoning: 'reasoning_effort' | 'reasoning' | 'thinking' | 'enable_thinking';
  /** The words for `reasoning_effort`, where others are refused. */
  readonly efforts?: readonly string[];
  /** Reasoning is never shown. */
  readonly hidesReasoning?: true;
  /** The field of an assistant message in which the text of earlier reasoning is taken back. */
  readonly reasoningBack?: 'reasoning_content' | 'reasoning';
  /** An assistant message without it is refused while the model reasons. */
  readonly wantsReasoningBack?: true;
  /** `reasoning_details` are taken back. */
  readonly reasoningDetails?: true;
  /** `cache_control` is taken on these. OpenAI finds by itself what to cache; only its newest models take a mark. */
  readonly cacheControl?: readonly ('parts' | 'tools')[];
  /** `prompt_cache_breakpoint` on parts is taken. */
  readonly cacheBreakpoints?: true;
  /** `developer` is no role here, `system` is. */
  readonly systemOnly?: true;
  /** `name` of a message is refused. */
  readonly names?: false;
  /** The word for a tool choice that must call some tool. */
  readonly anyTool?: 'any';
  /** Pictures: by address too when absent, as bytes only, or not at all. */
  readonly images?: 'inline' | 'none';
  /** Formats of `input_audio`, where others are refused. */
  readonly audioFormats?: readonly string[];
  /** Ids of tool calls: how long at most, or that they are letters and digits of this number. */
  readonly callIds?: { readonly most: number } | { readonly exactly: number };
}

/** What only OpenAI knows, for the servers that refuse what they don't know. */
const ofOpenAi = [
  'audio',
  'logit_bias',
  'logprobs',
  'modalities',
  'moderation',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'store',
  'top_logprobs',
  'verbosity',
  'web_search_options',
];

const openAi = {
  maxTokensField: 'max_completion_tokens',
  includeUsage: true,
  refuses: ['top_k'],
  reasoning: 'reasoning_effort',
  hidesReasoning: true,
  cacheBreakpoints: true,
  audioFormats: ['wav', 'mp3'],
  callIds: { most: 40 },
} as const satisfies Omit<Vendor, 'hosts'>;

const plain = {
  hosts: [],
  maxTokensField: 'max_tokens',
  includeUsage: true,
  refuses: [],
  reasoning: 'reasoning_effort',
  systemOnly: true,
} as const satisfies Vendor;

/** The API of Google answers a field that it does not know with an error. */
const google = {
  ...plain,
  refuses: [
    ...ofOpenAi.filter((field) => field !== 'service_tier'),
    'top_k',
    'seed',
    'presence_penalty',
    'frequency_penalty',
    'user',
    'metadata',
    'prediction',
  ],
  efforts: ['minimal', 'low', 'medium', 'high'],
} as const satisfies Vendor;

export const vendors = {
  openai: { ...openAi, hosts: ['api.openai.com'] },
  azure: {
    ...openAi,
    hosts: azureHosts,
  },
  mistral: {
    ...plain,
    hosts: ['api.mistral.ai', 'codestral.mistral.ai'],
    onlyThatField: true,
    includeUsage: false,
    streamOptions: false,
    refuses: [...ofOpenAi, 'top_k', 'user'],
    seedField: 'random_seed',
    efforts: ['none', 'high'],
    names: false,
    anyTool: 'any',
    callIds: { exactly: 9 },
  },
  groq: {
    ...plain,
    hosts: ['api.groq.com'],
    maxTokensField: 'max_completion_tokens',
    // Usage comes unasked, under a name of its own.
    includeUsage: false,
    refuses: [...ofOpenAi.filter((field) => field !== 'service_tier' && field !== 'store'), 'top_k', 'n', 'prediction'],
    ignores: ['presence_penalty', 'frequency_penalty'],
    efforts: ['low', 'medium', 'high'],
    names: false,
  },
  deepseek: {
    ...plain,
    hosts: ['api.deepseek.com'],
    onlyThatField: true,
    refuses: [],
    ignores: ['top_k', 'seed', 'n', 'user', 'parallel_tool_calls'],
    jsonSchema: false,
    reasoning: 'thinking',
    reasoningBack: 'reasoning_content',
    wantsReasoningBack: true,
    images: 'none',
  },
  xai: {
    ...plain,
    hosts: ['api.x.ai'],
    maxTokensField: 'max_completion_tokens',
    ignores: ['top_k'],
    reasoningBack: 'reasoning_content',
  },
  openrouter: {
    ...plain,
    hosts: ['openrouter.ai'],
    reasoning: 'reasoning',
    reasoningBack: 'reasoning',
    reasoningDetails: true,
    cacheControl: ['parts', 'tools'],
  },
  perplexity: {
    ...plain,
    hosts: ['api.perplexity.ai'],
    onlyThatField: true,
    includeUsage: false,
    ignores: ['seed', 'stop', 'n', 'user', 'parallel_tool_calls', 'tool_choice', 'tools'],
    efforts: ['minimal', 'low', 'medium', 'high'],
  },
  google: { ...google, hosts: ['generativelanguage.googleapis.com'] },
  vertex: {
    ...plain,
    hosts: ['aiplatform.googleapis.com', '-aiplatform.googleapis.com'],
    ignores: ['top_k', 'user', 'parallel_tool_calls'],
    efforts: ['minimal', 'low', 'medium', 'high'],
  },
  alibaba: {
    ...plain,
    hosts: ['dashscope.aliyuncs.com', 'dashscope-intl.aliyuncs.com', 'dashscope-us.aliyuncs.com'],
    onlyThatField: true,
    ignores: ['user', 'frequency_penalty'],
    reasoning: 'enable_thinking',
    reasoningBack: 'reasoning_content',
    cacheControl: ['parts'],
  },
  huggingface: { ...plain, hosts: ['router.huggingface.co', '.endpoints.huggingface.cloud'] },
  snowflake: {
    ...plain,
    hosts: ['.snowflakecomputing.com'],
    maxTokensField: 'max_completion_tokens',
    reasoning: 'reasoning',
    reasoningBack: 'reasoning',
    reasoningDetails: true,
  },
  ollama: {
    ...plain,
    hosts: ['ollama.com'],
    onlyThatField: true,
    ignores: ['top_k', 'n', 'user', 'parallel_tool_calls', 'tool_choice'],
    efforts: ['none', 'low', 'medium', 'high'],
    reasoningBack: 'reasoning',
    images: 'inline',
  },
  vllm: { ...plain, reasoningBack: 'reasoning_content' },
  /** A server that nobody knows: it is sent everything that the client said. */
  compatible: {
    hosts: [],
    asSaid: true,
    maxTokensField: 'max_completion_tokens',
    includeUsage: true,
    refuses: [],
    reasoning: 'reasoning_effort',
  },
} as const satisfies Record<string, Vendor>;

export type VendorName = keyof typeof vendors;
export const vendorNames = Object.keys(vendors) as readonly VendorName[];

/** The vendor whose host it is. */
export function vendorOfHost(host: string): Vendor {
  const all: readonly Vendor[] = Object.values(vendors);
  const found = all.find(({ hosts }) =>
    hosts.some((known) => host === known || (/^[.-]/.test(known) && host.endsWith(known))),
  );
  return found ?? vendors.compatible;
}
