import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SluiceError } from '../kernel/errors.ts';
import type { AdminHosts } from './admin-hosts.ts';
import type { AdminKey } from './admin-key.ts';
import { scopeOf } from './admin-scope.ts';

/** The one spelling of a path: what is checked must be what is called. */
const plainPath = /^\/[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;

/**
 * Decides about each request before anything of it is read: the host that it names, whether a page in a browser sent it,
 * its key, and then the route that the router chose, which must have declared a scope.
 */
export class AdminGate {
  readonly #hosts: AdminHosts;
  readonly #key: AdminKey;
  readonly #routes = new Map<string, string>();

  constructor(hosts: AdminHosts, key: AdminKey) {
    this.#hosts = hosts;
    this.#key = key;
  }

  /** Patterns of all routes. */
  get routes(): readonly string[] {
    return [...this.#routes.keys()];
  }

  /** To be called before the first route is added. */
  install(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method, config }) => {
      if (scopeOf(config) === undefined) throw new TypeError(`the admin route ${String(method)} ${url} has no scope`);
      this.#routes.set(url, String(method));
    });
    fastify.addHook('onRequest', (request, reply, done) => {
      void reply.headers({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-request-id': request.id,
      });
      done(this.refusalOf(request));
    });
  }

  /** Why the request is refused; undefined where it is not. Nothing about routes is told to those without a key. */
  refusalOf(request: FastifyRequest): SluiceError | undefined {
    const { headersDistinct, url = '' } = request.raw;
    const isOnlyPath = url.startsWith('/');
    if (!isOnlyPath || !this.#hosts.admits(headersDistinct['host'])) return new SluiceError('ADMIN_HOST_REFUSED');
    if (headersDistinct['origin'] !== undefined) return new SluiceError('ADMIN_ORIGIN_REFUSED');
    if (!this.#key.admits(headersDistinct['authorization'])) return new SluiceError('ADMIN_KEY_INVALID');
    return this.#routeRefusal(request, url.split('?', 1)[0] ?? '');
  }

  #routeRefusal(request: FastifyRequest, path: string): SluiceError | undefined {
    const isRoute = !request.is404 && scopeOf(request.routeOptions.config) !== undefined;
    if (isRoute && plainPath.test(path)) return undefined;
    const allowed = this.#routes.get(path);
    if (allowed === undefined || allowed === request.method) return new SluiceError('ROUTE_UNKNOWN');
    return new SluiceError('METHOD_NOT_ALLOWED', { details: { allowed, method: request.method } });
  }
}
