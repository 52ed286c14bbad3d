import ts from 'typescript';

/** One place where the project's own rules are broken. `line` counts from 1. */
export interface Finding {
  readonly rule: BannedSyntax;
  readonly line: number;
}

/** What the linter has no rule for. */
export type BannedSyntax =
  | 'clock: new Date() and Date() read the time'
  | 'comment: a check is switched off'
  | 'erasable: plain node can not run it'
  | 'import: the module name is computed'
  | 'name: there are no index files';

const clockHome = 'src/kernel/clock.ts';
const discoveryHome = 'src/registry/discover.ts';
const decoratedFolders = /^src\/(http|admin|observability)\/|^src\/app\.module\.ts$/;
const switchedOff =
  /(?:eslint|oxlint)-disable|@ts-(?:ignore|nocheck|expect-error)|dependency-cruiser-disable|oxfmt-ignore/;

/** Reads one file of `src`. `path` is relative to the root of the project, with slashes. */
export function findBannedSyntax(path: string, text: string): readonly Finding[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const findings: Finding[] = [];
  const report = (rule: BannedSyntax, position: number): void => {
    findings.push({ rule, line: source.getLineAndCharacterOfPosition(position).line + 1 });
  };
  const visit = (node: ts.Node): void => {
    if (path !== clockHome && readsTime(node)) report('clock: new Date() and Date() read the time', node.getStart());
    if (!decoratedFolders.test(path) && needsTransform(node))
      report('erasable: plain node can not run it', node.getStart());
    if (path !== discoveryHome && importsComputedName(node))
      report('import: the module name is computed', node.getStart());
    ts.forEachChild(node, visit);
  };
  visit(source);
  const comment = switchedOff.exec(text);
  if (comment !== null) report('comment: a check is switched off', comment.index);
  if (/(^|\/)index\.[cm]?[jt]s$/.test(path)) report('name: there are no index files', 0);
  return findings;
}

function readsTime(node: ts.Node): boolean {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return false;
  if (!ts.isIdentifier(node.expression) || node.expression.text !== 'Date') return false;
  return ts.isCallExpression(node) || (node.arguments?.length ?? 0) === 0;
}

function needsTransform(node: ts.Node): boolean {
  if (ts.isEnumDeclaration(node)) return true;
  if (ts.isModuleDeclaration(node)) return ts.isIdentifier(node.name) && !hasDeclare(node);
  return ts.isParameterPropertyDeclaration(node, node.parent);
}

function hasDeclare(node: ts.ModuleDeclaration): boolean {
  return (node.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword);
}

function importsComputedName(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return false;
  const [name] = node.arguments;
  return name === undefined || !ts.isStringLiteralLike(name);
}
