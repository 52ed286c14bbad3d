import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { refusingPort, silentPort } from './dead-port.ts';
import { turn } from './turn.ts';

const outcome = (port: number, settled: (how: string) => void): Socket =>
  connect(port, '127.0.0.1')
    .once('connect', () => settled('connected'))
    .once('error', (error: NodeJS.ErrnoException) => settled(String(error.code)));

describe('dead ports', () => {
  it('refuses', async () => {
    const port = await refusingPort();
    expect(await new Promise<string>((resolve) => void outcome(port, resolve))).toBe('ECONNREFUSED');
  });

  it('keeps silent', async () => {
    const silent = await silentPort();
    let how = 'nothing yet';
    const socket = outcome(silent.port, (result) => (how = result));
    await turn(200);
    expect(how).toBe('nothing yet');
    socket.destroy();
    await silent.close();
  });
});
