import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** One accepted connection. `requests` counts the complete requests that came on it. */
export interface RawConnection {
  readonly number: number;
  readonly socket: Socket;
  requests: number;
  /** The last complete request, as latin1. */
  received: string;
}

export interface RawServer {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  readonly connections: readonly RawConnection[];
  /** Sockets that are open at this moment. */
  open(): number;
  /** Resolves when no socket is open any more. */
  allClosed(): Promise<void>;
  close(): Promise<void>;
}

/** A TCP server on a free port. `onRequest` is called once per complete request (by its content-length). */
export async function rawServer(
  onRequest: (connection: RawConnection) => void,
  onAccept: (socket: Socket) => void = () => {},
): Promise<RawServer> {
  const connections: RawConnection[] = [];
  const open = new Set<Socket>();
  const waiting = new Set<() => void>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection: RawConnection = { number: connections.length + 1, socket, requests: 0, received: '' };
    connections.push(connection);
    open.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      open.delete(socket);
      if (open.size === 0) for (const resolve of waiting) resolve();
    });
    let pending = '';
    socket.on('data', (chunk) => {
      pending = takeRequests(connection, pending + chunk.toString('latin1'), onRequest);
    });
    onAccept(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    server,
    connections,
    open: () => open.size,
    allClosed: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function takeRequests(
  connection: RawConnection,
  pending: string,
  onRequest: (connection: RawConnection) => void,
): string {
  let rest = pending;
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return rest;
    const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, headEnd))?.[1] ?? 0);
    if (rest.length < headEnd + 4 + length) return rest;
    connection.received = rest.slice(0, headEnd + 4 + length);
    rest = rest.slice(headEnd + 4 + length);
    connection.requests += 1;
    onRequest(connection);
  }
}
