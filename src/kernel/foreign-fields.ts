import { isObject, type JsonObject } from './json-value.ts';
import { ollama } from './ollama-fields.ts';
import * as ollamaSettings from './ollama-settings.ts';
import { openaiChat } from './openai-chat-fields.ts';
import * as openaiChatSettings from './openai-chat-settings.ts';
import type { ChatRequest, ChatSettings } from './request.ts';
import type { Run } from './run.ts';

/**
 * Names what a request holds for another format than `dialect` and what therefore is not sent: fields of its body without
 * a unified name, and its metadata. Metadata of the native format is for the gateway itself.
 */
export function loseForeignFields(request: ChatRequest, dialect: string, run: Run): void {
  const { ext = {}, metadata } = request;
  for (const [name, fields] of Object.entries(ext)) {
    if (name === dialect) continue;
    for (const [field, value] of Object.entries(fields))
      if (!saysNothing(value) && !isSaid(name, field, value)) run.lose(`request.${field}`);
  }
  if (request.dialect !== dialect && request.dialect !== 'native' && Object.keys(metadata).length > 0)
    run.lose('request.metadata');
}

/** Names the cache marks of a request, for a backend that has no form for them. */
export function loseCacheMarks({ tools, messages }: ChatRequest, run: Run): void {
  const isMarked =
    tools.some(({ cache }) => cache !== undefined) ||
    messages.some(({ content }) => content.some(({ cache }) => cache !== undefined));
  if (isMarked) run.lose('request.cache');
}

/** What clients send for nothing at all. */
function saysNothing(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

/**
 * True for what is kept only for its spelling, such as `max_tokens` or a `stop` that is no list: the setting itself has a
 * unified name and is sent.
 */
function isSaid(dialect: string, field: string, value: unknown): boolean {
  if (dialect === openaiChat) {
    if (field === 'stream') return true;
    if (field === 'stream_options')
      return isObject(value) && Object.keys(value).every((key) => key === 'include_usage');
    return (
      openaiChatSettings.settingNames.includes(field) &&
      isRead(() => openaiChatSettings.readSettings({ [field]: value }).settings)
    );
  }
  if (dialect !== ollama || !ollamaSettings.settingNames.includes(field)) return false;
  const parts: readonly JsonObject[] =
    field === 'options' && isObject(value)
      ? Object.entries(value).map(([name, option]) => ({ options: { [name]: option } }))
      : [{ [field]: value }];
  return parts.every((part) => isRead(() => ollamaSettings.readSettings(part).settings));
}

/** A step may have put anything there; what can't be read is not said. */
function isRead(read: () => ChatSettings): boolean {
  try {
    return Object.keys(read()).length > 0;
  } catch {
    return false;
  }
}
