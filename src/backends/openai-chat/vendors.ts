import type { ChatSettings } from '../../kernel/request.ts';

/*
 * How servers that call themselves compatible differ in what they take. What they send back needs no table: the decoder
 * reads all spellings. Facts: the references of the vendors, and recorded requests and refusals.
 */

export interface Vendor {
  /** Hosts, or ends of hosts, by which the vendor is known. */
  readonly hosts: readonly string[];
  /** The limit of output tokens. */
  readonly maxTokensField: 'max_completion_tokens' | 'max_tokens';
  /** `stream_options.include_usage` is taken. */
  readonly includeUsage: boolean;
  /** Settings that are refused; they are left out, and named. */
  readonly refuses: readonly (keyof ChatSettings)[];
  /** How a wish for reasoning is said: as `reasoning_effort`, as `reasoning: {effort, max_tokens}`, or not at all. */
  readonly reasoning: 'reasoning_effort' | 'reasoning' | 'none';
  /** The field of an assistant message in which the text of earlier reasoning is taken back. */
  readonly reasoningBack?: 'reasoning_content' | 'reasoning';
  /** `cache_control` on parts is taken. */
  readonly cacheControl?: boolean;
  /** `developer` is no role here, `system` is. */
  readonly systemOnly?: boolean;
  /** The word for a tool choice that must call some tool. */
  readonly anyTool?: 'any';
  /** Pictures by address are taken. */
  readonly imageUrls?: false;
}

/** What the OpenAI API itself does not know. */
const beyondOpenAi = ['topK'] as const satisfies readonly (keyof ChatSettings)[];
const plain = {
  hosts: [],
  maxTokensField: 'max_tokens',
  includeUsage: true,
  refuses: [],
  reasoning: 'reasoning_effort',
  systemOnly: true,
} as const satisfies Vendor;

export const vendors = {
  openai: {
    hosts: ['api.openai.com'],
    maxTokensField: 'max_completion_tokens',
    includeUsage: true,
    refuses: beyondOpenAi,
    reasoning: 'reasoning_effort',
  },
  azure: {
    hosts: ['.openai.azure.com', '.services.ai.azure.com', '.cognitiveservices.azure.com'],
    maxTokensField: 'max_completion_tokens',
    includeUsage: true,
    refuses: beyondOpenAi,
    reasoning: 'reasoning_effort',
  },
  mistral: {
    ...plain,
    hosts: ['api.mistral.ai', 'codestral.mistral.ai'],
    includeUsage: false,
    refuses: ['topK', 'user'],
    anyTool: 'any',
  },
  groq: {
    ...plain,
    hosts: ['api.groq.com'],
    maxTokensField: 'max_completion_tokens',
    refuses: ['topK', 'presencePenalty', 'frequencyPenalty', 'choices'],
  },
  deepseek: {
    ...plain,
    hosts: ['api.deepseek.com'],
    refuses: ['topK', 'seed', 'choices', 'user', 'parallelToolCalls'],
    reasoning: 'none',
    reasoningBack: 'reasoning_content',
    imageUrls: false,
  },
  xai: {
    ...plain,
    hosts: ['api.x.ai'],
    maxTokensField: 'max_completion_tokens',
    refuses: ['topK'],
    reasoningBack: 'reasoning_content',
  },
  openrouter: {
    ...plain,
    hosts: ['openrouter.ai'],
    reasoning: 'reasoning',
    reasoningBack: 'reasoning',
    cacheControl: true,
  },
  perplexity: {
    ...plain,
    hosts: ['api.perplexity.ai'],
    includeUsage: false,
    refuses: ['seed', 'stop', 'choices', 'user', 'parallelToolCalls', 'toolChoice'],
  },
  google: {
    ...plain,
    hosts: ['generativelanguage.googleapis.com', '-aiplatform.googleapis.com'],
    refuses: ['topK', 'seed', 'presencePenalty', 'frequencyPenalty', 'user'],
  },
  alibaba: {
    ...plain,
    hosts: ['dashscope.aliyuncs.com', 'dashscope-intl.aliyuncs.com'],
    reasoning: 'none',
    reasoningBack: 'reasoning_content',
  },
  huggingface: { ...plain, hosts: ['router.huggingface.co', '.endpoints.huggingface.cloud'] },
  snowflake: { ...plain, hosts: ['.snowflakecomputing.com'], maxTokensField: 'max_completion_tokens' },
  ollama: { ...plain, refuses: ['topK', 'choices', 'user', 'parallelToolCalls', 'toolChoice'], imageUrls: false },
  vllm: { ...plain, reasoningBack: 'reasoning_content' },
  /** A server that nobody knows: it is sent everything that the client said. */
  compatible: { ...plain, systemOnly: false, maxTokensField: 'max_completion_tokens' },
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
