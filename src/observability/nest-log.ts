import type { LoggerService } from '@nestjs/common';
import type { Log } from '../kernel/run.ts';
import { isErrorLike } from './log.ts';

/** Frames of a stack that are logged. */
const MAX_FRAMES = 20;

/**
 * Lets the framework's own lines go through our log. Its reports of success (routes mapped, modules initialised) are
 * left out; what it warns of is not.
 */
export class NestLog implements LoggerService {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  log(): void {}

  debug(): void {}

  verbose(): void {}

  warn(message: unknown, ...rest: unknown[]): void {
    this.#log.warn(textOf(message), fieldsOf(message, rest));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#log.error(textOf(message), fieldsOf(message, rest));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#log.error(textOf(message), fieldsOf(message, rest));
  }
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  return isErrorLike(message) ? 'The framework reports an error' : 'The framework reports something';
}

/** The framework calls with `(message, stack?, context?)`, in any mixture. */
function fieldsOf(message: unknown, rest: readonly unknown[]): Record<string, unknown> {
  const stack = rest.find((part) => typeof part === 'string' && /\n\s+at /.test(part));
  const context = rest.findLast((part) => typeof part === 'string' && part !== stack);
  const error = [message, ...rest].find((part) => isErrorLike(part));
  return {
    framework: context ?? 'nest',
    ...(error !== undefined && { error }),
    ...(typeof stack === 'string' && { stack: framesOf(stack) }),
  };
}

/** Without the first line, which repeats the message. */
function framesOf(stack: string): readonly string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, MAX_FRAMES);
}
