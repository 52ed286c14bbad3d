import { sseEvents } from '../framing.mjs';
import { appendPiece, failed, ReadingBuilder, truncated } from '../reading.mjs';

const reasoningKinds = new Set(['reasoning', 'reasoning_summary']);

/** The format of Sluice itself, read as its documentation says. */
export const native = {
  name: 'native',
  dialect: 'native',
  async read({ address, prompt }) {
    const response = await fetch(`${address}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: prompt }], stream: true }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw new NativeError(JSON.parse(bytes.toString('utf8')));
    return readEvents(sseEvents(bytes).map(({ data }) => JSON.parse(data)));
  },
  isReported: (error) => error instanceof NativeError,
};

class NativeError extends Error {
  constructor({ code, detail, status }) {
    super(`${status} ${code}: ${detail}`);
    this.status = status;
  }
}

function readEvents(events) {
  const builder = new ReadingBuilder();
  const blocks = new Map();
  for (const event of events) {
    const choice = builder.choice(event.choice);
    switch (event.type) {
      case 'block.start':
        blocks.set(event.blockId, { kind: event.kind, ...beginBlock(choice, event) });
        break;
      case 'text.delta':
        addText(choice, blocks.get(event.blockId), event.text);
        break;
      case 'toolArgs.delta': {
        const { call } = blocks.get(event.blockId);
        if (call !== undefined) call.json += event.json ?? '';
        break;
      }
      case 'usage':
        Object.assign(builder.usage, usageOf(event));
        break;
      case 'finish':
        choice.stop = event.reason.unified;
        break;
      case 'error':
        return failed;
      case 'stream.end':
        return event.outcome === 'ok' ? builder.answer() : failed;
      default:
    }
  }
  return truncated;
}

function beginBlock(choice, { kind, name, callId }) {
  if (kind !== 'tool_call' && kind !== 'custom_tool_call') return { isNew: true };
  const call = { id: callId, name, json: '', ...(kind === 'custom_tool_call' && { isCustom: true }) };
  choice.calls.push(call);
  return { call };
}

function addText(choice, block, text) {
  if (block.kind === 'text') choice.text += text;
  if (block.kind === 'refusal') choice.refusal += text;
  if (!reasoningKinds.has(block.kind)) return;
  appendPiece(choice.reasoning, text, block.isNew);
  block.isNew = false;
}

function usageOf({ input, output }) {
  const counts = {
    input: input?.total,
    cacheRead: input?.cacheRead,
    cacheWrite: input?.cacheWrite,
    output: output?.total,
    reasoning: output?.reasoning,
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined));
}
