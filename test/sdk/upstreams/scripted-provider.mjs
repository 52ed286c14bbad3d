import { once } from 'node:events';
import { createServer } from 'node:http';
import { answers, endOfCall, middleOfText } from './scripted-answers.mjs';

/*
 * A model provider that plays scenarios in one wire format. The first segment of the path names the scenario: the backend
 * "cut" of a pipeline has the base URL http://127.0.0.1:PORT/cut.
 *
 * A format says how an answer of scripted-answers.mjs looks:
 *   type             the type of the backend that speaks it
 *   config           what the backend needs beside its address and model
 *   contentType      of a stream
 *   wantsStream      whether a request asks for one
 *   frames(answer)   the whole stream, one text per event
 *   document(answer) the same as one document
 *   refusal          the body of an error, from {status, message}
 *   failure          the frame of an error in the stream, from a message
 *   results(body)    what tools said, `[{call, text}]`; `call` is what `callName` gives for a call of the answer
 *   proofs(body)     the proofs of reasoning that came back
 */

const tick = 20;

/** Status, what the provider says about it, and headers beside those of a document. */
const refusals = {
  'rate-limit': { status: 429, message: 'slow down', headers: { 'retry-after': '7' } },
  rejected: { status: 400, message: 'temperature is too hot' },
  'wrong-key': { status: 401, message: 'bad key sk-secret-of-upstream' },
  overloaded: { status: 503, message: 'secret-of-upstream is busy' },
  broken: { status: 500, message: 'secret-of-upstream fell over' },
};

/** Answers that are whole. */
const whole = ['text', 'tools', 'thinking', 'thought', 'hushed', 'personal', 'document', 'marked', 'placeholder'];

const scenarios = {
  ...Object.fromEntries(whole.map((name) => [name, (stage) => stage.answer(answers[name])])),
  ...Object.fromEntries(Object.entries(refusals).map(([name, refusal]) => [name, (stage) => stage.refuse(refusal)])),
  'error-inside': (stage) =>
    stage.breakAfter(middleOfText, () => stage.end(stage.format.failure('secret-of-upstream'))),
  cut: (stage) => stage.breakAfter(middleOfText, () => stage.end()),
  'cut-call': (stage) => stage.breakAfter(endOfCall, () => stage.end()),
  reset: (stage) => stage.breakAfter(middleOfText, () => setTimeout(() => stage.reset(), tick)),
  endless: (stage) =>
    stage.breakAfter(middleOfText, (piece) => {
      const timer = setInterval(() => stage.write(piece), tick);
      stage.whenClosed(() => clearInterval(timer));
    }),
  /** Says nothing at first, and nothing in the middle, until somebody says `release()`. */
  silence: async (stage) => {
    await stage.released();
    if (!stage.streams) return stage.answer(answers.text);
    stage.breakAfter(middleOfText, async (_piece, rest) => {
      await stage.released();
      stage.end(rest.join(''));
    });
  },
};

export const scenarioNames = Object.keys(scenarios);

/**
 * Starts a provider of `format` on a free port of 127.0.0.1. `requests` holds what came in, `closed(scenario)` resolves
 * when the next connection of the scenario is closed, `release()` lets all silent answers go on, and says whether there were any.
 */
export async function startProvider(format) {
  const requests = [];
  const closing = [];
  const silent = new Set();
  const server = createServer((request, response) => {
    const scenario = request.url.split('/')[1];
    response.on('close', () => {
      for (const waiter of closing.filter((one) => one.scenario === scenario)) waiter.resolve();
    });
    readJson(request)
      .then((body) => {
        const { url, headers } = request;
        requests.push({ scenario, url, headers, body });
        return scenarios[scenario](openStage({ format, url, body, response, silent }));
      })
      .catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    format,
    origin: `http://127.0.0.1:${server.address().port}`,
    requests,
    closed: (scenario) => new Promise((resolve) => closing.push({ scenario, resolve })),
    release: () => {
      const any = silent.size > 0;
      for (const goOn of silent) goOn();
      silent.clear();
      return any;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** What a scenario can do with the one request that it answers. */
function openStage({ format, url, body, response, silent }) {
  const streams = format.wantsStream({ url, body });
  const sendDocument = (status, document, headers = {}) => {
    const text = JSON.stringify(document);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...headers,
    });
    return text;
  };
  const begin = () => response.writeHead(200, { 'content-type': format.contentType });
  return {
    format,
    streams,
    write: (frame) => response.write(frame),
    end: (frame) => response.end(frame),
    reset: () => response.socket?.resetAndDestroy(),
    whenClosed: (act) => response.on('close', act),
    released: () => new Promise((resolve) => silent.add(resolve)),
    refuse: ({ status, message, headers }) =>
      response.end(sendDocument(status, format.refusal({ status, message }), headers)),
    answer(chosen) {
      const answer = format.results(body).length > 0 ? answers.afterTools : chosen;
      if (!streams) return response.end(sendDocument(200, format.document(answer)));
      begin();
      for (const frame of format.frames(answer)) response.write(frame);
      response.end();
    },
    /**
     * Sends the stream up to the first frame that says `words`, then acts with that frame and the rest. An answer that is
     * one document breaks in its middle instead.
     */
    breakAfter(words, act) {
      const answer = words === endOfCall ? answers.tools : answers.text;
      if (!streams) {
        const text = sendDocument(200, format.document(answer));
        response.write(text.slice(0, text.length / 2), () => response.socket?.destroySoon());
        return;
      }
      const frames = format.frames(answer);
      const place = frames.findIndex((frame) => frame.includes(words));
      begin();
      response.write(frames.slice(0, place + 1).join(''));
      act(frames[place], frames.slice(place + 1));
    },
  };
}

async function readJson(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}
