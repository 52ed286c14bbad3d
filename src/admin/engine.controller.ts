import { Controller, Get } from '@nestjs/common';
import { EngineView } from '../compile/engine-view.ts';
import type { TokenProviderView } from '../compile/token-view.ts';
import { NeedsScope } from './admin-scope.ts';

/** What an operator may know of the engine while it runs. */
@Controller('admin')
export class EngineController {
  readonly #engine: EngineView;

  constructor(engine: EngineView) {
    this.#engine = engine;
  }

  @Get('pipelines')
  @NeedsScope('read')
  pipelines(): ReturnType<EngineView['pipelines']> {
    return this.#engine.pipelines();
  }

  @Get('token-providers')
  @NeedsScope('read')
  tokenProviders(): { readonly tokenProviders: readonly TokenProviderView[] } {
    return { tokenProviders: this.#engine.tokenProviders() };
  }
}
