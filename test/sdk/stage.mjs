import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { foreignComponents, modifierPipelines } from './modifier-pipelines.mjs';
import { copyBuild, startProduct, writePipelines } from './product.mjs';
import { anthropicMessages } from './upstreams/anthropic-messages.mjs';
import { gemini } from './upstreams/gemini.mjs';
import { startJudge } from './upstreams/judge.mjs';
import { ollama } from './upstreams/ollama.mjs';
import { openaiChat } from './upstreams/openai-chat.mjs';
import { openaiResponses } from './upstreams/openai-responses.mjs';
import { scenarioNames, startProvider } from './upstreams/scripted-provider.mjs';

export const formats = [openaiChat, openaiResponses, anthropicMessages, gemini, ollama];

const patienceMilliseconds = 10_000;

/**
 * The product between clients and scripted providers, one for each format. Per provider there are three pipelines:
 *
 *   TYPE          a backend for every scenario; the model that a client asks for chooses it
 *   TYPE-silence  the same with heartbeats that come often and early
 *   TYPE-masked   the same with a modifier that changes the text
 *
 * and those of modifier-pipelines.mjs. Beside the components of the product there are those of somebody else.
 */
export async function startStage(chosen = formats) {
  const providers = new Map();
  for (const format of chosen) providers.set(format.type, await startProvider(format));
  const judge = await startJudge();
  const pipelines = writePipelines(
    Object.assign({}, ...[...providers.values()].map((provider) => pipelinesFor(provider, judge.origin))),
  );
  const build = copyBuild(foreignComponents);
  const stop = async (product) => {
    await product?.stop();
    for (const server of [...providers.values(), judge]) await server.close();
    for (const folder of [pipelines, build]) folder.remove();
  };
  try {
    const product = await startProduct(pipelines.folder, { SDK_API_KEY: 'key-for-the-upstream' }, build.folder);
    return { providers, judge, product, stop: () => stop(product) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function pipelinesFor({ format: { type, config }, origin }, judge) {
  const backend = (scenario) => ({
    type,
    config: { ...config, baseUrl: `${origin}/${scenario}`, model: 'mock-1' },
    token: { type: 'static', config: { token: { $env: 'SDK_API_KEY' } } },
    network: 'private',
  });
  const served = (scenarios) => ({
    backends: Object.fromEntries(scenarios.map((scenario) => [scenario, backend(scenario)])),
    routing: { default: { to: [scenarios[0]] } },
  });
  const common = served(scenarioNames);
  return {
    [type]: common,
    [`${type}-silence`]: { ...common, output: { heartbeat: '100ms', commitAfter: '50ms' } },
    [`${type}-masked`]: {
      ...common,
      modifiers: [{ type: 'mask-words', config: { words: ['there'], with: '***' } }],
    },
    ...Object.fromEntries(
      Object.entries(modifierPipelines(type, judge)).map(([name, { models, steps }]) => [
        `${type}-${name}`,
        { ...served(models), ...steps },
      ]),
    ),
  };
}

/** Fails with the complaint where the promise takes too long. */
export async function inTime(promise, complaint) {
  const timer = new AbortController();
  const late = sleep(patienceMilliseconds, undefined, { signal: timer.signal }).then(
    () => assert.fail(complaint),
    () => {},
  );
  await Promise.race([promise, late]).finally(() => timer.abort());
}

/** Waits until something holds; fails with the complaint where that takes too long. */
export async function until(holds, complaint) {
  const deadline = Date.now() + patienceMilliseconds;
  while (!holds()) {
    if (Date.now() > deadline) assert.fail(complaint);
    await sleep(5);
  }
}
