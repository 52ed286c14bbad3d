import { differences } from './compare.mjs';
import { anthropic } from './clients/anthropic.mjs';
import { googleGenai } from './clients/google-genai.mjs';
import { native } from './clients/native.mjs';
import { ollama } from './clients/ollama.mjs';
import { openaiChat } from './clients/openai-chat.mjs';
import { openaiResponses } from './clients/openai-responses.mjs';
import { readDirectly } from './direct/read-directly.mjs';
import { idleChains } from './idle-modifiers.mjs';
import { withinLimits } from './limits.mjs';
import { behindChain } from './pipelines.mjs';
import { promptFor } from './upstream.mjs';

export const clients = [openaiChat, openaiResponses, anthropic, googleGenai, ollama, native];

const atOnce = 8;
const longestReadMilliseconds = 20_000;

/** Every recording is asked for so often: by each client, without modifiers and behind a chain of them. */
export const asksPerRecording = 2 * clients.length;

/**
 * Lets every client ask for every recording, without modifiers and behind one of the chains; the clients of a recording take
 * turns with the chains. Calls `done(job, failures)` for each, as they end; a job is `{ recording, client, chain }`, where
 * the chain is undefined or a name, and `failures` are `{ file, client, chain, field, expected, got }`.
 */
export async function replayAll(recordings, origin, done) {
  const chains = Object.keys(idleChains);
  const jobs = recordings.flatMap((recording, place) =>
    clients.flatMap((client, turn) =>
      [undefined, chains[(place + turn) % chains.length]].map((chain) => ({ recording, client, chain })),
    ),
  );
  const work = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) done(job, await replay(job, origin));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function replay({ recording, client, chain }, origin) {
  const { file, backend } = recording;
  const pipeline = chain === undefined ? recording.pipeline : behindChain(recording.pipeline, chain);
  const address = `${origin}/pipelines/${pipeline}`;
  const expected = withinLimits(readDirectly(recording), { dialect: client.dialect, backend: backend.type, chain });
  const got = await readThrough(client, { address, pipeline, prompt: promptFor(recording) });
  return differences(expected, got).map((difference) => ({ file, client: client.name, chain, ...difference }));
}

/** What the client understood. Where it threw what nobody reported to it, the outcome is that error. */
async function readThrough(client, call) {
  try {
    return await inTime(client.read(call));
  } catch (error) {
    const { status = error.status_code } = error;
    return { outcome: client.isReported(error) ? 'error' : String(error), status, choices: [], usage: {} };
  }
}

async function inTime(reading) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no end in time')), longestReadMilliseconds);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
