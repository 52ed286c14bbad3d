import { isObject } from '../../kernel/json-value.ts';
import type { ChatRequest, ChatSettings, ContentBlock } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import { bedrockConverse } from './converse-fields.ts';

/** Spellings that parsers keep beside the unified setting, to be able to write them again. */
const spellings: Readonly<Record<string, keyof ChatSettings>> = {
  max_tokens: 'maxOutputTokens',
  max_completion_tokens: 'maxOutputTokens',
  max_output_tokens: 'maxOutputTokens',
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  stop: 'stop',
  stop_sequences: 'stop',
  n: 'choices',
  seed: 'seed',
  response_format: 'responseFormat',
  format: 'responseFormat',
  reasoning_effort: 'reasoningEffort',
  reasoning: 'reasoningEffort',
  thinking: 'reasoningBudget',
  think: 'reasoningEffort',
  tool_choice: 'toolChoice',
  function_call: 'toolChoice',
  parallel_tool_calls: 'parallelToolCalls',
  user: 'user',
};
/** Fields that only say in which form the client wrote what the request holds anyway. */
const forms: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'input',
  'stream',
  'stream_options',
  'tools',
  'functions',
  'metadata',
]);

/** Names what the client said in its own dialect and no unified field holds. */
export function loseForeignFields({ dialect, ext = {}, metadata, settings }: ChatRequest, run: Run): void {
  // The native format has its metadata for the gateway itself.
  if (dialect !== 'native' && Object.keys(metadata).length > 0) run.lose('request.metadata');
  for (const [name, fields] of Object.entries(ext)) {
    if (name === bedrockConverse) continue;
    for (const [field, value] of Object.entries(fields)) {
      const setting = Object.hasOwn(spellings, field) ? spellings[field] : undefined;
      const isHeld = forms.has(field) || (setting !== undefined && settings[setting] !== undefined);
      if (!isHeld && saysSomething(value)) run.lose(`request.${field}`);
    }
  }
}

/** True for a picture that its client wants to be looked at more or less closely. */
export function hasDetail({ ext = {} }: ContentBlock): boolean {
  return Object.values(ext).some((fields) =>
    [fields, ...Object.values(fields)].some((level) => {
      const detail = isObject(level) ? level['detail'] : undefined;
      return typeof detail === 'string' && detail !== 'auto';
    }),
  );
}

function saysSomething(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
