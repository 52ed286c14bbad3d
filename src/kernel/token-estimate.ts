import type { ChatRequest, ContentBlock, ToolDefinition } from './request.ts';

const CHARACTERS_PER_TOKEN = 4;
/** From here on (CJK, Hangul, emoji) a character is about a token of its own. */
const FIRST_DENSE_CHARACTER = 0x2e80;
const TOKENS_PER_MESSAGE = 4;
/** Between the tiles of one provider and the flat price of another. */
const TOKENS_PER_MEDIUM = 1_000;

/** Requests are never changed in place, so an estimate holds for good. */
const estimates = new WeakMap<ChatRequest, number>();

/**
 * About how many tokens the request has for a model: messages, tool calls and tool definitions. Good for routing by
 * size (within about a quarter for prose), never for accounting: for that providers report usage.
 */
export function estimateTokens(request: ChatRequest): number {
  const known = estimates.get(request);
  if (known !== undefined) return known;
  let tokens = 0;
  for (const message of request.messages) {
    tokens += TOKENS_PER_MESSAGE;
    for (const block of message.content) tokens += blockTokens(block);
  }
  for (const tool of request.tools) tokens += toolTokens(tool);
  const whole = Math.ceil(tokens);
  estimates.set(request, whole);
  return whole;
}

function blockTokens(block: ContentBlock): number {
  const medium =
    block.base64 !== undefined || block.url !== undefined || block.fileId !== undefined ? TOKENS_PER_MEDIUM : 0;
  return medium + textTokens(block.text ?? '') + textTokens(block.name ?? '') + textTokens(block.arguments ?? '');
}

function toolTokens(tool: ToolDefinition): number {
  const parameters = tool.parameters === undefined ? '' : JSON.stringify(tool.parameters);
  return textTokens(tool.name) + textTokens(tool.description ?? '') + textTokens(parameters);
}

function textTokens(text: string): number {
  let dense = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) >= FIRST_DENSE_CHARACTER) dense += 1;
  }
  return dense + (text.length - dense) / CHARACTERS_PER_TOKEN;
}
