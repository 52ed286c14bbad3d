import type { Capabilities } from '../kernel/capability.ts';
import type { Encoder, Parser } from '../kernel/component.ts';
import type { Registry } from '../registry/registry.ts';

/** The parsers and encoders of the process, made once: they have no configuration and no state. */
export class Dialects {
  readonly #parsers: ReadonlyMap<string, Parser>;
  readonly #encoders: ReadonlyMap<string, Encoder>;
  readonly #fields: ReadonlyMap<string, ReadonlySet<string> | undefined>;

  constructor(registry: Registry, capabilities: Capabilities) {
    this.#parsers = new Map(
      registry.list('parser').map((component) => [component.type, component.create({}, capabilities)]),
    );
    this.#fields = new Map(registry.list('parser').map(({ type, fields }) => [type, fields]));
    this.#encoders = new Map(
      registry.list('encoder').map((component) => [component.type, component.create({}, capabilities)]),
    );
  }

  /** The fields of a body that the dialect documents, or undefined where its parser refuses unknown ones itself. */
  fields(dialect: string): ReadonlySet<string> | undefined {
    return this.#fields.get(dialect);
  }

  parser(dialect: string): Parser {
    return required(this.#parsers, dialect, 'parser');
  }

  encoder(dialect: string): Encoder {
    return required(this.#encoders, dialect, 'encoder');
  }
}

function required<T>(map: ReadonlyMap<string, T>, dialect: string, kind: string): T {
  const found = map.get(dialect);
  if (found === undefined) throw new TypeError(`there is no ${kind} of type "${dialect}"; a route names it`);
  return found;
}
