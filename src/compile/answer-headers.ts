import type { Encoder } from '../kernel/component.ts';
import { writeRateLimits, type RateLimits } from '../kernel/dialects/rate-limits.ts';
import { describePlan, type PipelinePlan } from './plan.ts';
import type { RunOfRequest } from './run-of-request.ts';

export interface HeaderFacts {
  readonly run: RunOfRequest;
  readonly encoder: Encoder;
  /** Shown for people who look for the cause of something. */
  readonly plan: PipelinePlan | undefined;
  readonly backend: string;
  readonly attempts: number;
  /** What the provider said about its limits. */
  readonly limits: RateLimits | undefined;
}

/** The headers of an answer beside those of HTTP: who answered, what was lost on the way, and the limits of the provider. */
export function answerHeaders({ run, plan, encoder, backend, attempts, limits }: HeaderFacts): Record<string, string> {
  const { id, revision, lost, clock } = run;
  return {
    'x-sluice-run': id,
    'x-request-id': id,
    'request-id': id,
    'x-sluice-revision': revision,
    'x-sluice-backend': backend,
    'x-sluice-attempts': String(attempts),
    ...(plan && { 'x-sluice-plan': describePlan(plan) }),
    ...(lost.length > 0 && { 'x-sluice-warnings': lost.map((what) => `lost ${what}`).join(', ') }),
    ...(limits && (encoder.encodeRateLimits?.(limits, clock.wallTime()) ?? writeRateLimits(limits))),
  };
}
