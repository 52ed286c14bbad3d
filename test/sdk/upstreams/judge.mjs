import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Judges for the modifier `moderate`, in the format of OpenAI's moderations. The path says how:
 *
 *   /strict       flags what holds the word "friend"
 *   /out-of-order answers with status 500
 *   /slow/NAME    lets "Hello" pass, and gives no verdict on anything else
 *
 * `asked(name)` resolves when the slow judge of that name has to give a verdict next, `left(name)` when nobody waits for it
 * any more.
 */
export async function startJudge() {
  const waiters = [];
  const tell = (what) => {
    for (const waiter of waiters.filter((one) => one.what === what)) waiter.resolve();
  };
  const answer = async (request, response) => {
    const [, way, name] = request.url.split('/');
    const input = await readInput(request);
    const say = (status, body) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (way === 'out-of-order') return say(500, { error: 'secret-of-upstream fell over' });
    const flagged = way === 'strict' && input.includes('friend');
    if (way === 'strict' || input === 'Hello')
      return say(200, { results: [{ flagged, categories: { harassment: flagged } }] });
    response.on('close', () => tell(`left ${name}`));
    tell(`asked ${name}`);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const told = (what) => new Promise((resolve) => waiters.push({ what, resolve }));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    asked: (name) => told(`asked ${name}`),
    left: (name) => told(`left ${name}`),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function readInput(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString('utf8')).input;
}
