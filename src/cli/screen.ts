import { styleText } from 'node:util';
import type { EnvironmentSource } from '../config/environment.ts';
import type { ResolvedPipeline } from '../definitions/resolved-pipeline.ts';
import { errorTable, type ErrorEntry } from '../kernel/error-table.ts';
import type { ExchangeView } from './chat-exchange.ts';

/** Everything but line ends and tabs: a model's text must not steer the terminal. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

type Style = Parameters<typeof styleText>[0];

/** Writes for a person. Colour is for terminals, and only where it is wanted. */
export class Screen implements ExchangeView {
  /** Set while the reader is asked for a message: shows the prompt again after something else was written. */
  onPromptLost: (() => void) | undefined;
  readonly #output: NodeJS.WritableStream;
  readonly #isColoured: boolean;
  #isInText = false;

  constructor(output: NodeJS.WritableStream, { NO_COLOR = '', TERM }: EnvironmentSource) {
    this.#output = output;
    this.#isColoured = isTty(output) && NO_COLOR === '' && TERM !== 'dumb';
  }

  get prompt(): string {
    return this.#styled('cyan', '> ');
  }

  greeting(name: string, example: string, pipeline: Pick<ResolvedPipeline, 'backends'> | undefined): void {
    this.line(this.#styled('bold', `What you write goes through the pipeline "${name}", and its answer comes back.`));
    const isScripted = [...(pipeline?.backends.values() ?? [])].every(({ upstream }) => upstream !== undefined);
    if (pipeline !== undefined && isScripted)
      this.line('The provider is played from a script: nothing leaves this machine.');
    this.line(`Enter alone asks: ${example}`);
    this.line('Ctrl-C ends.');
    this.line('');
  }

  question(message: string): void {
    this.line(this.prompt + message.replaceAll(controls, ''));
  }

  onText(text: string): void {
    this.#text(text.replaceAll(controls, ''));
  }

  onReasoning(text: string): void {
    this.#text(this.#styled('dim', text.replaceAll(controls, '')));
  }

  onStep(step: string, message: string): void {
    this.endOfText();
    this.line(this.#styled('dim', `  ${step}: ${message}`.replaceAll(controls, '')));
  }

  /** After the text: nothing else begins in the middle of a line. */
  endOfText(): void {
    if (this.#isInText) this.line('');
    this.#isInText = false;
  }

  error(code: string, message: string): void {
    const { remedy } = (errorTable as Readonly<Record<string, ErrorEntry | undefined>>)[code] ?? {};
    this.failure(`${code}  ${message}`);
    if (remedy !== undefined) this.line(`  What to do: ${remedy}`);
  }

  failure(text: string): void {
    this.line(this.#styled('red', text.replaceAll(controls, '')));
  }

  table(lines: readonly string[]): void {
    this.line('');
    for (const line of lines) this.line(`  ${line}`);
  }

  summary(text: string): void {
    this.line(this.#styled('dim', `  ${text}`));
    this.line('');
  }

  /** A line of the log that an operator would look at. */
  trouble(line: string): void {
    this.endOfText();
    if (this.onPromptLost !== undefined) this.line('');
    this.line(this.#styled('yellow', line.replaceAll(controls, '')));
    this.onPromptLost?.();
  }

  line(text: string): void {
    this.#output.write(`${text}\n`);
  }

  #text(text: string): void {
    if (text === '') return;
    this.#output.write(text);
    this.#isInText = !text.endsWith('\n');
  }

  #styled(style: Style, text: string): string {
    return this.#isColoured ? styleText(style, text, { validateStream: false }) : text;
  }
}

export function isTty(stream: object): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}
