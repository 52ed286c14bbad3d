import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** A port of 127.0.0.1 on which nothing listens: a connection is refused. */
export function refusingPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** A port that never accepts: a connection to it neither succeeds nor fails. */
export interface SilentPort {
  readonly port: number;
  close(): Promise<void>;
}

/** The system answers for a listener until its backlog is full; so it listens, sleeps, and its backlog is filled. */
const sleepingListener = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;
/** A backlog that is still not full after so many connections is not to be filled on this system. */
const MAX_FILLERS = 64;
/** A connection on the loopback device that takes longer was not answered. */
const ANSWER_MILLISECONDS = 100;

export async function silentPort(): Promise<SilentPort> {
  const worker = new Worker(sleepingListener, { eval: true });
  const port = await new Promise<number>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const fillers: Socket[] = [];
  const close = async (): Promise<void> => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  };
  while (fillers.length < MAX_FILLERS) {
    const filler = connect(port, '127.0.0.1').on('error', () => undefined);
    fillers.push(filler);
    if (!(await isAnswered(filler))) return { port, close };
  }
  await close();
  throw new Error('This system answers for a listener without end; a port that never accepts can not be had.');
}

function isAnswered(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWER_MILLISECONDS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
