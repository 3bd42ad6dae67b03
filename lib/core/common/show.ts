const MAX_LENGTH = 60;

/** A value as messages quote it: on one line, cut where it is long. */
export function show(value: unknown): string {
  const text = typeof value === 'function' ? 'a function' : jsonOf(value);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

function jsonOf(value: unknown): string {
  return value instanceof Date ? String(value) : (JSON.stringify(value) ?? String(value));
}
