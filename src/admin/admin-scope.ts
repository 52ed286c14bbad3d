import { RouteConfig } from '@nestjs/platform-fastify';

/** What a key must be good for. `read`: looks, and changes nothing. */
export const adminScopes = ['read'] as const;
export type AdminScope = (typeof adminScopes)[number];

/** Declares the scope of a route. A route without one keeps the admin API from starting. */
export function NeedsScope(adminScope: AdminScope): MethodDecorator {
  return RouteConfig({ adminScope });
}

/** The declared scope, from the `config` of a route. */
export function scopeOf(config: unknown): AdminScope | undefined {
  const { adminScope } = Object(config) as { adminScope?: unknown };
  return adminScopes.find((scope) => scope === adminScope);
}
