import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ProviderBytes } from './play-run.ts';
import { bytesOfFrames } from './play-answer.ts';
import type { ProviderName } from './rich-answers.ts';
import { recordedStreams } from './recorded-streams.ts';

const folder = new URL('../../../shared/fixtures/', import.meta.url);

/** The recorded providers that speak each format. */
const folders: Readonly<Record<ProviderName, readonly string[]>> = {
  'openai-chat': [
    ...['openai-chat', 'azure-chat', 'openai-compatible', 'openrouter', 'groq', 'deepseek', 'xai', 'mistral'],
    ...['perplexity', 'vllm', 'watsonx', 'snowflake', 'huggingface', 'gpustack', 'crusoe', 'alibaba', 'ollama-compat'],
  ],
  'openai-responses': [
    'openai-responses',
    'azure-responses',
    'deepseek-responses',
    'lmstudio-responses',
    'xai-responses',
  ],
  'anthropic-messages': ['anthropic'],
  gemini: ['gemini', 'vertex-gemini'],
  ollama: ['ollama'],
  cohere: ['cohere'],
  'bedrock-converse': ['bedrock-converse'],
};
const types: Readonly<Partial<Record<ProviderName, string>>> = {
  ollama: 'application/x-ndjson',
  'bedrock-converse': 'application/vnd.amazon.eventstream',
};

export interface RecordedAnswer {
  /** Folder and file. */
  readonly name: string;
  readonly provider: ProviderName;
  readonly answer: ProviderBytes;
}

/** What providers of a format have sent, as they sent it. */
export function recordedAnswers(provider: ProviderName): readonly RecordedAnswer[] {
  const contentType = types[provider] ?? 'text/event-stream';
  const all = folders[provider].filter((name) => existsSync(new URL(`${name}/`, folder)));
  const raw = all.flatMap((name) =>
    readdirSync(new URL(`${name}/`, folder))
      .filter((file) => /\.(?:sse|ndjson|eventstream\.bin)$/.test(file))
      .map((file) => ({ name: `${name}/${file}`, bytes: readFileSync(new URL(`${name}/${file}`, folder)) })),
  );
  // Where only the payloads were kept, they stand in frames as the provider writes them.
  const payloads = recordedStreams(all)
    .filter(({ name }) => !name.endsWith('.sse'))
    .map(({ name, frames }) => ({
      name,
      bytes: bytesOfFrames(
        provider,
        frames.flatMap((frame) => framed(provider, frame.data)),
      ),
    }));
  return [...raw, ...payloads].map(({ name, bytes }) => ({ name, provider, answer: { contentType, pieces: [bytes] } }));
}

function framed(provider: ProviderName, data: string): { event: string; data: string }[] {
  const hasDone = provider === 'openai-chat' || provider === 'cohere';
  if (data === '[DONE]') return hasDone ? [{ event: '', data }] : [];
  const isNamed = provider === 'anthropic-messages' || provider === 'openai-responses';
  if (!isNamed) return [{ event: '', data }];
  return [{ event: /"type":\s?"([\w.]+)"/.exec(data)?.[1] ?? '', data }];
}
