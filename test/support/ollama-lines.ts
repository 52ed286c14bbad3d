type Json = Readonly<Record<string, unknown>>;

/** The time of a line, as Ollama writes it: no two lines have the same. */
export const timeOfLine = (serial: number): string => `2026-05-01T10:00:00.${String(100_000_000 + serial)}Z`;

/** A line of an answer of Ollama. */
export const ollamaLine = (serial: number, message: Json, fields: Json = {}): Json => ({
  model: 'qwen3',
  created_at: timeOfLine(serial),
  message: { role: 'assistant', content: '', ...message },
  done: false,
  ...fields,
});

export const ollamaMetrics = {
  total_duration: 5_000_000,
  load_duration: 1_000,
  prompt_eval_count: 17,
  prompt_eval_duration: 2_000,
  eval_count: 5,
  eval_duration: 3_000,
};

/** The last line of an answer. */
export const lastOllamaLine = (serial: number, fields: Json = {}): Json =>
  ollamaLine(serial, {}, { done: true, done_reason: 'stop', ...ollamaMetrics, ...fields });

/** The documents in the bytes of a stream; throws where a line is not whole. */
export function readLines(latin1: string): Record<string, unknown>[] {
  const lines = Buffer.from(latin1, 'latin1').toString('utf8').split('\n');
  if (lines.pop() !== '' || /[^\u0000-\u00ff]/.test(latin1))
    throw new Error(`not lines of bytes: ${latin1.slice(-100)}`);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
