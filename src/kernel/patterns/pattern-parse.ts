import { RegExpParser, type AST } from '@eslint-community/regexpp';
import {
  anyCharacter,
  charactersOf,
  digits,
  intersect,
  invert,
  spaces,
  union,
  unitsOf,
  withBothCases,
  wordCharacters,
  type CharacterSet,
} from './pattern-characters.ts';
import { PatternError } from './pattern-error.ts';

/** An expression as far as its language is concerned: no groups, no greed. */
export type PatternTree =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternTree[] }
  | { readonly kind: 'repeat'; readonly part: PatternTree; readonly min: number; readonly max: number };

/** UTF-16 code units of one expression. */
const maxSourceCharacters = 8192;
/** Opening parentheses of one expression; the parser goes as deep as they do. */
const maxParentheses = 400;

interface Context {
  readonly name: string;
  readonly ignoreCase: boolean;
}

/** An expression without its word borders. */
interface ParsedExpression {
  readonly tree: PatternTree;
  /** It began with \b: no match is behind a character of this set. */
  readonly notAfter: CharacterSet | undefined;
  /** It ended with \b. */
  readonly notBefore: CharacterSet | undefined;
}

/**
 * Parses an expression. Throws a PatternError for one that is not valid or that reads more than its own match; only a \b
 * at the beginning or the end of it, before or behind letters, is possible.
 */
export function parseExpression(name: string, source: string, ignoreCase = false): ParsedExpression {
  if (source.length > maxSourceCharacters)
    throw new PatternError(name, `the expression is longer than ${maxSourceCharacters} characters`);
  if (source.split('(').length - 1 > maxParentheses)
    throw new PatternError(name, `the expression has more than ${maxParentheses} parentheses`);
  const { alternatives } = parseSource(name, source);
  const context = { name, ignoreCase };
  const [only] = alternatives;
  if (only === undefined || alternatives.length > 1)
    return { tree: parseChoice(alternatives, context), notAfter: undefined, notBefore: undefined };
  const elements = [...only.elements];
  const opening = isWordBorder(elements[0]) ? elements.shift() : undefined;
  const closing = isWordBorder(elements.at(-1)) ? elements.pop() : undefined;
  const tree = joinParts(elements.map((element) => parseElement(element, context)));
  const word = ignoreCase ? withBothCases(wordCharacters) : wordCharacters;
  checkBorder(name, opening, edgeOf(tree, word, false));
  checkBorder(name, closing, edgeOf(tree, word, true));
  return {
    tree,
    notAfter: opening && word,
    notBefore: closing && word,
  };
}

/** The tree alone. */
export function parsePattern(name: string, source: string, ignoreCase = false): PatternTree {
  return parseExpression(name, source, ignoreCase).tree;
}

function isWordBorder(element: AST.Element | undefined): boolean {
  return element?.type === 'Assertion' && element.kind === 'word' && !element.negate;
}

/** What stands at a word border must be a character of a word for certain. */
function checkBorder(name: string, border: AST.Element | undefined, edge: Edge): void {
  if (border === undefined || (edge.isWord && !edge.mayBeEmpty)) return;
  throw new PatternError(name, '\\b stands beside what may be no letter, use notAfter and notBefore', border.start);
}

interface Edge {
  /** Each character that may stand there is in the set. */
  readonly isWord: boolean;
  readonly mayBeEmpty: boolean;
}

function edgeOf(tree: PatternTree, word: CharacterSet, fromEnd: boolean): Edge {
  switch (tree.kind) {
    case 'set':
      return { isWord: intersect(tree.set, invert(word)).length === 0, mayBeEmpty: false };
    case 'choice': {
      const edges = tree.parts.map((part) => edgeOf(part, word, fromEnd));
      return { isWord: edges.every(({ isWord }) => isWord), mayBeEmpty: edges.some(({ mayBeEmpty }) => mayBeEmpty) };
    }
    case 'sequence': {
      const edges = tree.parts.map((part) => edgeOf(part, word, fromEnd));
      if (fromEnd) edges.reverse();
      const firm = edges.findIndex(({ mayBeEmpty }) => !mayBeEmpty);
      const atEdge = firm < 0 ? edges : edges.slice(0, firm + 1);
      return { isWord: atEdge.every(({ isWord }) => isWord), mayBeEmpty: firm < 0 };
    }
    case 'repeat': {
      const { isWord, mayBeEmpty } = edgeOf(tree.part, word, fromEnd);
      return { isWord, mayBeEmpty: mayBeEmpty || tree.min === 0 };
    }
  }
}

/** Parses a class such as `[\p{L}_]`: an expression that matches one character. */
export function parseCharacterClass(name: string, source: string, ignoreCase = false): CharacterSet {
  const tree = parsePattern(name, source, ignoreCase);
  if (tree.kind !== 'set') throw new PatternError(name, 'notAfter and notBefore take one character class');
  return tree.set;
}

/** The most UTF-16 code units that an expression matches: Infinity without a bound, -1 where it can match nothing. */
export function treeWidth(tree: PatternTree): number {
  switch (tree.kind) {
    case 'set':
      return tree.set.length === 0 ? -1 : unitsOf(tree.set).most;
    case 'choice':
      return Math.max(-1, ...tree.parts.map(treeWidth));
    case 'sequence': {
      const widths = tree.parts.map(treeWidth);
      return widths.includes(-1) ? -1 : widths.reduce((sum, width) => sum + width, 0);
    }
    case 'repeat': {
      const width = treeWidth(tree.part);
      if (width === -1) return tree.min === 0 ? 0 : -1;
      return width === 0 || tree.max === 0 ? 0 : width * tree.max;
    }
  }
}

function parseSource(name: string, source: string): AST.Pattern {
  try {
    return new RegExpParser({ ecmaVersion: 2025 }).parsePattern(source, 0, source.length, { unicode: true });
  } catch (error) {
    const { message, index } = error as Partial<Record<string, unknown>>;
    const problem = typeof message === 'string' ? message.slice(message.lastIndexOf(': ') + 2) : 'not valid';
    throw new PatternError(name, `the expression is not valid: ${problem}`, Number(index ?? 0));
  }
}

function parseChoice(alternatives: readonly AST.Alternative[], context: Context): PatternTree {
  const parts = alternatives.map(({ elements }) => {
    return joinParts(elements.map((element) => parseElement(element, context)));
  });
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : { kind: 'choice', parts };
}

function joinParts(parts: readonly PatternTree[]): PatternTree {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : { kind: 'sequence', parts };
}

function parseElement(element: AST.Element, context: Context): PatternTree {
  const refuse = (what: string) => new PatternError(context.name, what, element.start);
  switch (element.type) {
    case 'Character':
      return oneOf([element.value, element.value + 1], context);
    case 'CharacterSet':
      return oneOf(characterSet(element, context), context);
    case 'CharacterClass': {
      const members = union(element.elements.map((member) => classMember(member, context)));
      const set = context.ignoreCase ? withBothCases(members) : members;
      return { kind: 'set', set: element.negate ? invert(set) : set };
    }
    case 'CapturingGroup':
      return parseChoice(element.alternatives, context);
    case 'Group':
      if (element.modifiers !== null) throw refuse('flags inside of the expression are not supported, use ignoreCase');
      return parseChoice(element.alternatives, context);
    case 'Quantifier':
      return {
        kind: 'repeat',
        part: parseElement(element.element, context),
        min: element.min,
        max: element.max,
      };
    case 'Assertion':
      if (element.kind === 'start' || element.kind === 'end')
        throw refuse('^ and $ are not supported: a stream of text has no lines to begin or to end at');
      if (element.kind === 'word')
        throw refuse('\\b is supported only where an expression begins or ends, use notAfter and notBefore');
      throw refuse('look-ahead and look-behind are not supported, use notAfter and notBefore');
    case 'Backreference':
      throw refuse('references to a group are not supported, they are not regular');
    default:
      throw refuse(`${element.type} is not supported`);
  }
}

function oneOf(set: CharacterSet, { ignoreCase }: Context): PatternTree {
  return { kind: 'set', set: ignoreCase ? withBothCases(set) : set };
}

function classMember(member: AST.CharacterClassElement, context: Context): CharacterSet {
  switch (member.type) {
    case 'Character':
      return [member.value, member.value + 1];
    case 'CharacterClassRange':
      return [member.min.value, member.max.value + 1];
    case 'CharacterSet':
      return characterSet(member, context);
    default:
      throw new PatternError(context.name, `${member.type} is not supported`, member.start);
  }
}

function characterSet(element: AST.CharacterSet, { ignoreCase }: Context): CharacterSet {
  switch (element.kind) {
    case 'any':
      return anyCharacter;
    case 'property':
      return charactersOf(element.raw);
    case 'digit':
      return element.negate ? invert(digits) : digits;
    case 'space':
      return element.negate ? invert(spaces()) : spaces();
    case 'word': {
      const word = ignoreCase ? withBothCases(wordCharacters) : wordCharacters;
      return element.negate ? invert(word) : word;
    }
  }
}
