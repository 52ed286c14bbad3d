import { jsonLines } from '../framing.mjs';
import { appendPiece, failed, ReadingBuilder, truncated } from '../reading.mjs';

export function readOllama(bytes) {
  return readLines(jsonLines(bytes));
}

/** The lines of a chat of Ollama's own format. */
export function readLines(lines) {
  const builder = new ReadingBuilder();
  const choice = builder.choice();
  for (const line of lines) {
    if (line.error !== undefined) return failed;
    const { content, thinking, tool_calls: calls = [] } = line.message ?? {};
    if (content) choice.text += content;
    if (thinking) appendPiece(choice.reasoning, thinking);
    for (const { id, function: called } of calls) choice.calls.push({ id, name: called.name, json: called.arguments });
    if (line.done !== true) continue;
    choice.stop = stopOf(line.done_reason, choice);
    builder.usage = { input: line.prompt_eval_count, output: line.eval_count };
    return builder.answer();
  }
  return truncated;
}

/** Older servers give no reason. */
function stopOf(reason = 'stop', { calls }) {
  return reason === 'stop' && calls.length > 0 ? 'tool_calls' : reason;
}
