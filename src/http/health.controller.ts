import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Drain } from '../drain.ts';
import { EngineView } from '../compile/engine-view.ts';

/** For orchestrators and operators. `healthz` says that the process lives, `readyz` that it takes new streams. */
@Controller()
export class HealthController {
  readonly #drain: Drain;
  readonly #engine: EngineView;

  constructor(drain: Drain, engine: EngineView) {
    this.#drain = drain;
    this.#engine = engine;
  }

  @Get('healthz')
  health(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  ready(@Res() reply: FastifyReply): void {
    const { degraded, serving } = this.#engine.pipelines();
    const status = this.#drain.draining ? 'draining' : 'ready';
    reply.status(this.#drain.draining ? 503 : 200).send({ status, serving, degraded });
  }

  @Get('metrics.json')
  metrics(): Readonly<Record<string, number>> {
    return this.#engine.metrics();
  }
}
