import { fileURLToPath } from 'node:url';
import { oneFormatScenarios } from './scenarios.ts';
import { plainSystem, type System } from './system.ts';

/** node:http piped to node:http; see node-pipe.ts. */
export const nodePipe: System = {
  name: 'pipe',
  warmsUp: true,
  scenarios: oneFormatScenarios,
  unavailable: () => undefined,
  async start(context) {
    const child = context.children.start({
      name: 'pipe',
      file: process.execPath,
      parameters: [fileURLToPath(new URL('./node-pipe.ts', import.meta.url)), String(context.mockPort)],
      core: context.core,
      channel: true,
    });
    return plainSystem('pipe', await child.port(), child);
  },
};
