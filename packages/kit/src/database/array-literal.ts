/**
 * A PostgreSQL array literal (manual, 8.15.2), to be bound as one text parameter and cast: MikroORM spreads a JavaScript
 * array over as many placeholders as it has elements, and a statement takes 65,535 of them at most.
 */
export function arrayLiteral(values: readonly (string | number | boolean | null)[]): string {
  const elements = values.map((value) =>
    value === null ? 'NULL' : typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value),
  );
  return `{${elements.join(',')}}`;
}
