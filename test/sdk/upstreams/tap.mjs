import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A wire between a client and the product that can be listened to: `onText` is told all that the product has sent so far.
 * Bytes go through as they are.
 */
export async function startTap(origin, onText) {
  const { hostname, port } = new URL(origin);
  const sockets = new Set();
  let seen = '';
  const server = createServer((client) => {
    const product = connect({ host: hostname, port });
    for (const socket of [client, product]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => [client, product].forEach((one) => one.destroy()));
    }
    client.pipe(product);
    product.pipe(client);
    product.on('data', (bytes) => {
      seen += bytes.toString('latin1');
      onText(seen);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
