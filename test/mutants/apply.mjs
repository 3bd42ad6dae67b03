/** The edits of a mutant, by file: `[[file, [edit, …]], …]`. */
export function editsOf({ file, find, replace, also = [] }) {
  const edits = new Map();
  for (const edit of [{ find, replace }, ...also]) {
    const where = edit.file ?? file;
    edits.set(where, [...(edits.get(where) ?? []), edit]);
  }
  return [...edits];
}

/** @throws Error where the text to be found does not stand there exactly once, white space aside */
export function applyEdit(text, { find, replace }) {
  const { packed, places } = pack(text);
  const wanted = pack(find).packed;
  const at = packed.indexOf(wanted);
  const times = packed.split(wanted).length - 1;
  if (times !== 1) throw new Error(`stands there ${times} times instead of once: ${find}`);
  return text.slice(0, places[at]) + replace + text.slice(places[at + wanted.length - 1] + 1);
}

/** Without white space, and where in the text each character was: a formatter may break lines as it likes. */
function pack(text) {
  const places = [...text.matchAll(/\S/gu)].map(({ index }) => index);
  return { packed: places.map((place) => text[place]).join(''), places };
}
