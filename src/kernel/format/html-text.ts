const special = /[&<>"']/;
const everySpecial = /[&<>"']/g;
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text that can be put into a page, between tags or into a quoted attribute, and shows as it is: `&`, `<`, `>`, `"` and
 * `'` become entities. Entities in the text are text too, so `&lt;` becomes `&amp;lt;`.
 */
export function escapeHtml(text: string): string {
  return special.test(text) ? text.replace(everySpecial, (character) => entities[character] ?? character) : text;
}
