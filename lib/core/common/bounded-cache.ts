/** A memory of computed values: at most `limit` of them, the longest unused goes first. Never changes an answer, only its cost. */
export class BoundedCache<T> {
  private readonly entries = new Map<string, T>();

  constructor(private readonly limit: number) {}

  /** What was computed for `key`, or what `compute` gives now. A throwing `compute` leaves nothing behind. */
  get(key: string, compute: () => T): T {
    const known = this.entries.get(key);
    const value = known ?? compute();
    if (known !== undefined) this.entries.delete(key);
    else if (this.entries.size >= this.limit) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, value);
    return value;
  }
}
