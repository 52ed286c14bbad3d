/** Decides whether a name is one of those that patterns describe; `*` stands for any text, also for none. */
export function compileNameGlobs(globs: readonly string[]): (name: string) => boolean {
  const names = new Set(globs.filter((glob) => !glob.includes('*')));
  const patterns = globs.filter((glob) => glob.includes('*')).map((glob) => glob.split('*'));
  return (name) => names.has(name) || patterns.some((parts) => matches(parts, name));
}

/** The parts between the stars, each at the first place where it fits: linear in the name for each part. */
function matches(parts: readonly string[], name: string): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  const end = name.length - last.length;
  if (first.length > end || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
