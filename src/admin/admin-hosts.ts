/** Names of this machine. A page that has its own name resolve to this machine comes with that name, and is refused. */
const ownNames = ['127.0.0.1', 'localhost', '[::1]'];
/** Addresses to listen on that nobody is asked by. */
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);
const hostAndPort = /^(\[[0-9a-f:.]+\]|[a-z0-9._%-]+)(?::\d{1,5})?$/;

/** A host as it stands in an URL, in lower case. */
export function urlHost(host: string): string {
  return (host.includes(':') ? `[${host}]` : host).toLowerCase();
}

/** The hosts that a request may name. Any port will do: a tunnel has its own. */
export class AdminHosts {
  readonly #names: ReadonlySet<string>;

  constructor(configured: string) {
    this.#names = new Set([...ownNames, urlHost(configured)].filter((name) => !wildcards.has(name)));
  }

  /** `host` as the request has it, once for each header of that name. */
  admits(host: readonly string[] | undefined): boolean {
    const [only = '', ...others] = host ?? [];
    const [, name = ''] = hostAndPort.exec(only.toLowerCase()) ?? [];
    return others.length === 0 && this.#names.has(name);
  }
}
