import { RegExpParser, type AST } from '@eslint-community/regexpp';
import { RE2JS } from 're2js';

/** Instructions of a compiled pattern. */
const maxInstructions = 2_000;
/** What `\s` means in JSON Schema; the other engine knows ASCII only. */
const spaces: readonly (readonly [number, number])[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const parser = new RegExpParser({ ecmaVersion: 2025 });

/**
 * Compiles a pattern of a JSON Schema for an engine that is linear in the text. Throws a TypeError that says why for what
 * is no pattern, for look-around and references back, which no linear engine has, and for one that is too large.
 */
export function compileJsonPattern(pattern: string): RE2JS {
  try {
    const parsed = parser.parsePattern(pattern, 0, pattern.length, { unicode: true });
    const compiled = RE2JS.compile(alternatives(parsed.alternatives));
    if (compiled.programSize() > maxInstructions) throw new RangeError('it is too large; lower its repeat counts');
    return compiled;
  } catch (error) {
    throw new TypeError(`the pattern can't be used: ${String(Object(error).message ?? error)}`, { cause: error });
  }
}

function alternatives(list: readonly AST.Alternative[]): string {
  return list.map(({ elements }) => elements.map(element).join('')).join('|');
}

function element(node: AST.Element): string {
  switch (node.type) {
    case 'Character':
      return character(node.value);
    case 'CharacterSet':
      return node.kind === 'any' ? '[^\\n\\r\\x{2028}\\x{2029}]' : `[${set(node)}]`;
    case 'CharacterClass':
      return characterClass(node);
    case 'Group':
      if (node.modifiers !== null) throw new TypeError('modifiers in a group are not supported');
      return `(?:${alternatives(node.alternatives)})`;
    case 'CapturingGroup':
      return `(?:${alternatives(node.alternatives)})`;
    case 'Quantifier':
      return `(?:${element(node.element)})${quantity(node)}`;
    case 'Assertion':
      return assertion(node);
    default:
      throw new TypeError(`"${node.raw}" is not supported`);
  }
}

function quantity({ min, max }: AST.Quantifier): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  return `{${min},${max}}`;
}

function assertion(node: AST.Assertion): string {
  if (node.kind === 'start') return '\\A';
  if (node.kind === 'end') return '\\z';
  if (node.kind === 'word') return node.negate ? '\\B' : '\\b';
  throw new TypeError('look-around is not supported');
}

function characterClass(node: AST.CharacterClass): string {
  if (node.elements.length === 0) return node.negate ? '[\\x{0}-\\x{10ffff}]' : '[^\\x{0}-\\x{10ffff}]';
  const inside = node.elements.map((item) => {
    if (item.type === 'Character') return character(item.value);
    if (item.type === 'CharacterClassRange') return `${character(item.min.value)}-${character(item.max.value)}`;
    if (item.type === 'CharacterSet') return set(item);
    throw new TypeError(`"${item.raw}" is not supported`);
  });
  return `[${node.negate ? '^' : ''}${inside.join('')}]`;
}

function set(node: AST.CharacterSet): string {
  if (node.kind !== 'space') return node.raw;
  return (node.negate ? complement(spaces) : spaces).map(([from, to]) => `\\x{${hex(from)}}-\\x{${hex(to)}}`).join('');
}

function complement(ranges: readonly (readonly [number, number])[]): [number, number][] {
  const starts = [0, ...ranges.map(([, to]) => to + 1)];
  return starts.map((start, index) => [start, (ranges[index]?.[0] ?? 0x110000) - 1]);
}

function character(codePoint: number): string {
  return `\\x{${hex(codePoint)}}`;
}

function hex(value: number): string {
  return value.toString(16);
}
