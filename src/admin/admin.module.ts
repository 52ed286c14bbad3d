import { Module, type DynamicModule } from '@nestjs/common';
import { EngineView } from '../compile/engine-view.ts';
import { EngineController } from './engine.controller.ts';

/** The admin API: it looks at an engine that is already there, and owns nothing of it. */
@Module({})
export class AdminModule {
  static register(engine: EngineView): DynamicModule {
    return {
      module: AdminModule,
      controllers: [EngineController],
      providers: [{ provide: EngineView, useValue: engine }],
    };
  }
}
