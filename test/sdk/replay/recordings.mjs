import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../shared/fixtures/', import.meta.url));

export const hasRecordings = existsSync(`${folder}index.json`);

/**
 * Which backend reads what a folder holds, and as whose server where the backend wants to know. A folder that is not
 * here is of a format that no backend speaks.
 */
const backendsOfFolders = {
  alibaba: { type: 'openai-chat', vendor: 'alibaba' },
  anthropic: { type: 'anthropic-messages' },
  'azure-chat': { type: 'openai-chat', vendor: 'azure' },
  'azure-responses': { type: 'openai-responses' },
  'bedrock-converse': { type: 'bedrock-converse' },
  'bedrock-mantle': { type: 'openai-responses' },
  cohere: { type: 'cohere' },
  crusoe: { type: 'openai-chat', vendor: 'vllm' },
  deepseek: { type: 'openai-chat', vendor: 'deepseek' },
  'deepseek-responses': { type: 'openai-responses' },
  gemini: { type: 'gemini' },
  gpustack: { type: 'openai-chat', vendor: 'compatible' },
  groq: { type: 'openai-chat', vendor: 'groq' },
  huggingface: { type: 'openai-chat', vendor: 'huggingface' },
  'lmstudio-responses': { type: 'openai-responses' },
  mistral: { type: 'openai-chat', vendor: 'mistral' },
  ollama: { type: 'ollama' },
  'ollama-compat': { type: 'openai-chat', vendor: 'ollama' },
  'openai-chat': { type: 'openai-chat', vendor: 'openai' },
  'openai-compatible': { type: 'openai-chat', vendor: 'compatible' },
  'openai-responses': { type: 'openai-responses' },
  openrouter: { type: 'openai-chat', vendor: 'openrouter' },
  perplexity: { type: 'openai-chat', vendor: 'perplexity' },
  snowflake: { type: 'openai-chat', vendor: 'snowflake' },
  'vertex-gemini': { type: 'gemini', vertex: { project: 'replayed', location: 'global' } },
  vllm: { type: 'openai-chat', vendor: 'vllm' },
  xai: { type: 'openai-chat', vendor: 'xai' },
  'xai-responses': { type: 'openai-responses' },
};

const contentTypes = {
  sse: 'text/event-stream',
  chunks: 'text/event-stream',
  ndjson: 'application/x-ndjson',
  eventstream: 'application/vnd.amazon.eventstream',
  json: 'application/json',
};

/** What the folders hold that no backend reads. */
const formatsNotBuilt = {
  'bedrock-invoke': 'Bedrock InvokeModel (the formats of the vendors in an event stream)',
  'gemini-interactions': 'Gemini Interactions',
  'openai-completions': 'OpenAI completions',
  watsonx: 'watsonx text generation',
  ollama: 'Ollama /api/generate',
};

/**
 * All recordings, in the order of their names: `{ file, folder, backend, pipeline, format, isError, status,
 * framing, contentType, read() }`. `backend` is `{ type, ...its configuration }`, undefined where none reads the format.
 */
export function listRecordings() {
  const index = JSON.parse(readFileSync(`${folder}index.json`, 'utf8'));
  return index
    .map(({ file, provider, kind, framing, status, contentType, url }) => {
      const backend = backendOf(provider, url);
      return {
        file,
        folder: provider,
        backend,
        pipeline: backend && `${provider}-as-${backend.type}`,
        format: backend === undefined ? (formatsNotBuilt[provider] ?? provider) : backend.type,
        isError: kind === 'error-body',
        status,
        framing,
        contentType: contentType ?? contentTypes[framing],
        read: () => readFileSync(folder + file),
      };
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Some recordings stand in the folder of their vendor but are of its other format, or of no format of conversation. */
function backendOf(provider, url) {
  if (url === '/api/generate') return undefined;
  if (provider === 'ollama' && url?.endsWith('/chat/completions')) return backendsOfFolders['ollama-compat'];
  return backendsOfFolders[provider];
}
