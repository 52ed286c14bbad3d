import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * The yardstick of what Node costs when nothing is done to the stream: node:http in, node:http out, `pipe` between.
 * Arguments: the port of the upstream. Sends its own port on the IPC channel and ends when that closes.
 */

const upstreamPort = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 4_096 });

function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { connection: _connection, ...headers } = incoming.headers;
  const upstream = request(
    { agent, host: '127.0.0.1', port: upstreamPort, method: incoming.method, path: incoming.url, headers },
    (answer) => {
      const { connection: _upstreamConnection, 'transfer-encoding': _framing, ...answerHeaders } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, answerHeaders);
      answer.on('error', () => outgoing.destroy());
      answer.pipe(outgoing);
    },
  );
  upstream.on('error', () => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end();
  });
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) upstream.destroy();
  });
  incoming.pipe(upstream);
}

const server = createServer({ keepAliveTimeout: 60_000 }, forward);
process.on('disconnect', () => process.exit(0));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
