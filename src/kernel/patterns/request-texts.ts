import type { Role } from '../event.ts';
import { JsonLeaves, type LeafRewriter } from '../json/json-leaves.ts';
import type { ChatRequest, ContentBlock, Message } from '../request.ts';

/** Deepest block of a form without a name here whose texts are looked for; the body was no deeper when it was read. */
const maxDepth = 128;

/**
 * The request with the texts of some roles rewritten, each by a rewriter of its own; the same request where none of them
 * changed. Texts are: the text of a block, the arguments of a tool call (each string in them; keys and numbers stay, and
 * arguments that are no JSON are one text), and what is called `text` in a block whose form has no name here. What repeats
 * or proves the old text of a block, its annotations and its signature, is left out with it.
 */
export function rewriteTexts(request: ChatRequest, roles: ReadonlySet<Role>, open: () => LeafRewriter): ChatRequest {
  const messages = mapSame(request.messages, (message) =>
    roles.has(message.role) ? rewriteMessage(message, open) : message,
  );
  return messages === request.messages ? request : { ...request, messages };
}

/** Every text that the model would read in a request, whatever the role, and the tools as JSON. */
export function* textsOf(request: ChatRequest): Generator<string> {
  for (const { content } of request.messages) {
    for (const { text, arguments: json, kind, initial } of content) {
      if (text !== undefined) yield text;
      if (json !== undefined) yield withBrackets(json);
      if (kind === 'unknown') yield JSON.stringify(initial) ?? '';
    }
  }
  if (request.tools.length > 0) yield JSON.stringify(request.tools);
}

/** Some writers of JSON escape the brackets of HTML. */
function withBrackets(json: string): string {
  return json.replaceAll(/\\u003c/gi, '<').replaceAll(/\\u003e/gi, '>');
}

function rewriteMessage(message: Message, open: () => LeafRewriter): Message {
  const content = mapSame(message.content, (block) => rewriteBlock(block, open));
  return content === message.content ? message : { ...message, content };
}

function rewriteBlock(block: ContentBlock, open: () => LeafRewriter): ContentBlock {
  const { text, arguments: json, initial, annotations: _cited, signature: _proof, ...rest } = block;
  const newText = text === undefined ? undefined : rewriteText(text, open());
  const newJson = json === undefined ? undefined : rewriteText(json, argumentsRewriter(block, open));
  const newInitial = block.kind === 'unknown' ? rewriteNamedTexts(initial, open, 0) : initial;
  if (newText === text && newJson === json && newInitial === initial) return block;
  return {
    ...rest,
    ...(newText !== undefined && { text: newText }),
    ...(newJson !== undefined && { arguments: newJson }),
    // Of a block with a form of its own it repeats the text.
    ...(block.kind === 'unknown' && initial !== undefined && { initial: newInitial }),
  };
}

function argumentsRewriter({ kind }: ContentBlock, open: () => LeafRewriter): LeafRewriter {
  if (kind === 'custom_tool_call') return open();
  const leaves = new JsonLeaves(open);
  return { text: (json) => leaves.push(json), flush: () => leaves.flush() };
}

function rewriteText(text: string, rewriter: LeafRewriter): string {
  return rewriter.text(text) + rewriter.flush();
}

/** A copy in which each string under the key `text` is rewritten; the same value where none changed. */
function rewriteNamedTexts(value: unknown, open: () => LeafRewriter, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return value;
  if (Array.isArray(value)) return mapSame(value as unknown[], (item) => rewriteNamedTexts(item, open, depth + 1));
  const entries = Object.entries(value);
  const changed = mapSame(entries, (entry) => {
    const [key, item] = entry;
    const after =
      key === 'text' && typeof item === 'string' ? rewriteText(item, open()) : rewriteNamedTexts(item, open, depth + 1);
    return after === item ? entry : ([key, after] as [string, unknown]);
  });
  return changed === entries ? value : Object.fromEntries(changed);
}

/** The same list where every item stayed the same. */
function mapSame<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = list.map(change);
  return changed.every((item, index) => item === list[index]) ? list : changed;
}
