const MAX_LENGTH = 60;

/** A value as messages quote it: on one line, cut where it is long. */
export function show(value: unknown): string {
  const text = typeof value === 'function' ? 'a function' : jsonOf(value);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

function jsonOf(value: unknown): string {
  if (value instanceof Date || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value === 'bigint' ? `${value}n` : 'an object that is no JSON';
  }
}
