import { differences } from './compare.mjs';
import { anthropic } from './clients/anthropic.mjs';
import { googleGenai } from './clients/google-genai.mjs';
import { native } from './clients/native.mjs';
import { ollama } from './clients/ollama.mjs';
import { openaiChat } from './clients/openai-chat.mjs';
import { openaiResponses } from './clients/openai-responses.mjs';
import { readDirectly } from './direct/read-directly.mjs';
import { withinLimits } from './limits.mjs';
import { promptFor } from './upstream.mjs';

export const clients = [openaiChat, openaiResponses, anthropic, googleGenai, ollama, native];

const atOnce = 8;
const longestReadMilliseconds = 20_000;

/**
 * Lets every client ask for every recording. Calls `done(recording, client, failures)` for each, as they end;
 * `failures` are `{ file, client, field, expected, got }`.
 */
export async function replayAll(recordings, origin, done) {
  const jobs = recordings.flatMap((recording) => clients.map((client) => ({ recording, client })));
  const work = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift())
      done(job.recording, job.client, await replay(job.recording, job.client, origin));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function replay(recording, client, origin) {
  const { file, backend, pipeline } = recording;
  const address = `${origin}/pipelines/${pipeline}`;
  const expected = withinLimits(readDirectly(recording), client.dialect, backend.type);
  const got = await readThrough(client, { address, pipeline, prompt: promptFor(recording) });
  return differences(expected, got).map((difference) => ({ file, client: client.name, ...difference }));
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
