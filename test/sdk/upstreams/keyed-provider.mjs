import { once } from 'node:events';
import { createServer } from 'node:http';

const usage = { input: 12, output: 7 };

/** What everybody is answered, by name, as the pieces of a stream. */
export const greeting = (name) => ['Hello', ' there', `, ${name}.`];

/**
 * Starts a model provider of `format` on a free port of 127.0.0.1 that knows whom it answers. `accounts` has the names
 * that belong to keys, `{header, scheme}` says where a key stands. Whoever it does not know it refuses with a 401 that
 * shows what it was given.
 *
 *   requests         what came: {key, name, status, streams, said}, of which `said` are headers, path and body by name
 *   gather(count)    the next `count` requests are answered when all of them are here; gives a function that ends that
 */
export async function startKeyedProvider(format, { header, scheme }, accounts) {
  const requests = [];
  const gate = { size: 1, waiting: [] };
  const open = () => {
    gate.size = 1;
    for (const goOn of gate.waiting.splice(0)) goOn();
  };
  const admitted = () =>
    new Promise((resolve) => {
      gate.waiting.push(resolve);
      if (gate.waiting.length >= gate.size) open();
    });

  const server = createServer((request, response) => {
    const answer = async () => {
      const { url, headers } = request;
      const text = await readText(request);
      const body = JSON.parse(text);
      const presented = String(headers[header]);
      const key = keyIn(presented, scheme);
      const name = accounts.get(key);
      const streams = format.wantsStream({ url, body });
      const status = name === undefined ? 401 : 200;
      requests.push({ key, name, status, streams, said: { ...headers, url, body: text } });
      await admitted();
      const message = `nobody here has the key "${presented}" (${key})`;
      if (status === 401) return sendDocument(response, 401, format.refusal({ status, message }));
      const words = { text: greeting(name), usage };
      if (!streams) return sendDocument(response, 200, format.document(words));
      response.writeHead(200, { 'content-type': format.contentType });
      response.end(format.frames(words).join(''));
    };
    answer().catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    header,
    requests,
    gather: (count) => {
      gate.size = count;
      return open;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Where in a request a secret stands: names of headers, `url`, `body`. */
export function carriersOf({ said }, secret) {
  return Object.keys(said).filter((name) => said[name].includes(secret));
}

function keyIn(value, scheme) {
  const before = scheme === '' ? '' : `${scheme} `;
  return value.startsWith(before) ? value.slice(before.length) : undefined;
}

function sendDocument(response, status, document) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(document));
}

async function readText(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}
