/** How many units have another owner than before; those that had none, or have none, are not among them. */
export function changesBetween(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): number {
  let moved = 0;
  for (const [unit, owner] of after) if (before.has(unit) && before.get(unit) !== owner) moved++;
  return moved;
}
