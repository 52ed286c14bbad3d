import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { untilReady } from './ready.ts';
import { oneFormatScenarios } from './scenarios.ts';
import { plainSystem, type System } from './system.ts';

const programs = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx'];
const maxConnections = 16_384;

function program(): string | undefined {
  return programs.find((path) => existsSync(path));
}

/** Open files the process may have; nginx refuses more than the machine allows. */
async function fileLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'latin1').catch(() => '');
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? 1_024);
}

/** One worker that passes bytes on as they come, over kept connections: what an operator sets up for streams. */
function configuration(folder: string, port: number, mockPort: number, files: number): string {
  return `
daemon off;
worker_processes 1;
worker_rlimit_nofile ${files};
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections ${Math.min(maxConnections, files)}; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream mock {
    server 127.0.0.1:${mockPort};
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_time 1h;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /ready { return 204; }
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
`;
}

export const nginx: System = {
  name: 'nginx',
  warmsUp: false,
  scenarios: oneFormatScenarios,
  unavailable: () => (program() === undefined ? 'nginx is not installed' : undefined),
  async start(context) {
    const port = await freePort();
    const file = join(context.folder, 'nginx.conf');
    // The worker may run as another user than the one who made the folder.
    await chmod(context.folder, 0o755);
    await writeFile(file, configuration(context.folder, port, context.mockPort, await fileLimit()));
    const child = context.children.start({
      name: 'nginx',
      file: program() ?? 'nginx',
      parameters: ['-p', context.folder, '-c', file, '-e', 'stderr'],
      core: context.core,
      channel: false,
    });
    await untilReady(child, port, '/ready', [204]);
    return plainSystem('nginx', port, child);
  },
};
