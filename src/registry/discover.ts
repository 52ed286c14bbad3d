import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SchemaValidator } from '../definitions/schema-validator.ts';
import { prepareSchema } from '../definitions/prepare-schema.ts';
import { capabilityNames } from '../kernel/capability.ts';
import type { AnyComponent, ComponentKind } from '../kernel/component.ts';
import { componentKinds, createRegistry, type FoundComponent, type Registry } from './registry.ts';

/** Where the components of a kind live. */
export const componentFolders: Readonly<Record<ComponentKind, string>> = {
  parser: 'parsers',
  processor: 'processors',
  'token-provider': 'tokens',
  backend: 'backends',
  modifier: 'modifiers',
  encoder: 'encoders',
};

const validType = /^[a-z][a-z0-9-]{0,62}$/;
/** Component code as source or as built, without types, maps and tests. */
const componentFile = /^(?<type>[^.]+)\.(?:ts|js)$/;

/**
 * Imports the component folders under `root` (`src` or `dist`) and checks what they export. A component is one file,
 * or the file of the same name in a folder of its own. Rejects with all mistakes at once: an engine with a
 * component that is not what it says it is must not start.
 */
export async function discover(root: URL): Promise<Registry> {
  const found: FoundComponent[] = [];
  const mistakes: string[] = [];
  for (const kind of componentKinds) {
    for (const file of await listComponentFiles(root, kind)) {
      const module = await load(new URL(file, root), file, mistakes);
      const component = module && onlyComponent(module, file, mistakes);
      if (component === undefined) continue;
      mistakes.push(...componentMistakes(component, kind, file));
      found.push({ component, file });
    }
  }
  if (mistakes.length > 0)
    throw new TypeError(`the components are not in order:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`);
  return createRegistry(found);
}

/** Paths relative to `root`. A folder that is absent holds nothing. */
async function listComponentFiles(root: URL, kind: ComponentKind): Promise<string[]> {
  const folder = componentFolders[kind];
  const files: string[] = [];
  for (const entry of await entriesOf(new URL(`${folder}/`, root))) {
    if (entry.isFile() && componentFile.test(entry.name)) files.push(`${folder}/${entry.name}`);
    if (!entry.isDirectory()) continue;
    const inside = await entriesOf(new URL(`${folder}/${entry.name}/`, root));
    const main = inside.find((file) => componentFile.exec(file.name)?.groups?.['type'] === entry.name);
    if (main !== undefined) files.push(`${folder}/${entry.name}/${main.name}`);
  }
  return files.sort();
}

async function entriesOf(folder: URL): Promise<{ readonly name: string; isFile(): boolean; isDirectory(): boolean }[]> {
  try {
    return await readdir(fileURLToPath(folder), { withFileTypes: true });
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
}

async function load(url: URL, file: string, mistakes: string[]): Promise<Record<string, unknown> | undefined> {
  try {
    return (await import(url.href)) as Record<string, unknown>;
  } catch (error) {
    mistakes.push(`${file} can not be loaded: ${String(Object(error).message ?? error)}`);
    return undefined;
  }
}

function onlyComponent(module: Record<string, unknown>, file: string, mistakes: string[]): AnyComponent | undefined {
  const exported = [...new Set(Object.values(module))].filter(isComponent);
  if (exported.length !== 1) mistakes.push(`${file} must export exactly one component, it exports ${exported.length}`);
  return exported.length === 1 ? exported[0] : undefined;
}

function isComponent(value: unknown): value is AnyComponent {
  const { kind, type } = Object(value) as { kind?: unknown; type?: unknown };
  return typeof type === 'string' && typeof kind === 'string' && typeof value === 'object';
}

/** What is wrong with a component of `file`, as sentences; empty for one in order. */
export function componentMistakes(component: AnyComponent, kind: ComponentKind, file: string): string[] {
  const mistakes: string[] = [];
  const name = componentFile.exec(file.slice(file.lastIndexOf('/') + 1))?.groups?.['type'] ?? '';
  if (!validType.test(component.type))
    mistakes.push('its type must be lower-case letters, digits and "-", beginning with a letter');
  else if (component.type !== name) mistakes.push(`its type "${component.type}" must be the name of the file`);
  if (component.kind !== kind) mistakes.push(`a ${component.kind} does not belong into ${componentFolders[kind]}/`);
  if (typeof component.summary !== 'string' || component.summary.trim() === '') mistakes.push('its summary is missing');
  if (!Array.isArray(component.examples)) mistakes.push('its examples are missing');
  if (typeof component.create !== 'function') mistakes.push('its create is missing');
  const needs: readonly unknown[] = Array.isArray(component.needs) ? component.needs : ['(no list)'];
  const unknown = needs.filter((need) => !capabilityNames.some((known) => known === need));
  if (unknown.length > 0)
    mistakes.push(
      `it needs what the process does not offer: ${unknown.join(', ')}; offered: ${capabilityNames.join(', ')}`,
    );
  const wrongSchema = schemaMistake(component.config);
  if (wrongSchema !== undefined) mistakes.push(`its config is no usable schema: ${wrongSchema}`);
  return mistakes.map((mistake) => `${file}: ${mistake}`);
}

/** The reason why a schema of `config` can not be used, or undefined. */
export function schemaMistake(config: unknown): string | undefined {
  const { type, additionalProperties } = Object(config) as { type?: unknown; additionalProperties?: unknown };
  if (type !== 'object' || additionalProperties !== false) return 'it must be made with strictObject()';
  const anything = Object.fromEntries(['processor', 'token-provider', 'backend', 'modifier'].map((kind) => [kind, {}]));
  try {
    new SchemaValidator().add({ ...prepareSchema(config), $defs: anything }, 'config');
    return undefined;
  } catch (error) {
    return String(Object(error).message ?? error);
  }
}
