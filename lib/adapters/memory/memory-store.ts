import type { Clock } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import type { Change, Entry, Page, Write, WriteResult } from '../../core/registry/registry.js';

interface Session {
  deadline: number;
  ttlMs: number;
  keys: Set<string>;
  timer: Disposable;
}

interface Watcher {
  prefix: string;
  listener: (change: Change) => void;
}

/** The documents, sessions and watchers that several `MemoryRegistry` clients share. Lives and dies with the process. */
export class MemoryStore {
  private readonly entries = new Map<string, Entry>();
  private readonly sessions = new Map<string, Session>();
  private readonly watchers = new Set<Watcher>();
  private token = 0n;
  private sessionCount = 0;

  constructor(readonly clock: Clock) {}

  get(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  list(prefix: string, { limit = Infinity, after = '' }: Page): { entries: Entry[]; next?: string } {
    const keys = [...this.entries.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const entries = keys.slice(0, limit).map((key) => this.entries.get(key)!);
    return keys.length > limit ? { entries, next: entries.at(-1)!.key } : { entries };
  }

  write(write: Write): WriteResult {
    const current = this.entries.get(write.key);
    const holds = write.if === undefined || (write.if === 'absent' ? !current : current?.revision === write.if);
    if (!holds) return current ? { ok: false, current } : { ok: false };
    const session = write.session === undefined ? undefined : this.sessions.get(write.session);
    if (write.session !== undefined && !session) return { ok: false, sessionExpired: true };
    const token = ++this.token;
    const revision = String(token);
    if (write.value === undefined) {
      if (current) this.remove(current);
    } else {
      this.unbind(current);
      const { key, value } = write;
      const entry: Entry = {
        key,
        value,
        revision,
        token,
        ...(write.session !== undefined && { session: write.session }),
      };
      this.entries.set(write.key, entry);
      session?.keys.add(write.key);
      this.notify(write.key, { type: 'put', entry });
    }
    return { ok: true, revision, token };
  }

  watch(prefix: string, listener: (change: Change) => void): Disposable {
    const watcher = { prefix, listener };
    this.watchers.add(watcher);
    return { dispose: () => void this.watchers.delete(watcher) };
  }

  openSession(ttlMs: number): string {
    const id = `s${++this.sessionCount}`;
    const deadline = this.clock.monotonic() + ttlMs;
    this.sessions.set(id, { deadline, ttlMs, keys: new Set(), timer: this.expireAfter(id, ttlMs) });
    return id;
  }

  renewSession(id: string): boolean {
    const session = this.sessions.get(id);
    if (!session) return false;
    session.timer.dispose();
    session.deadline = this.clock.monotonic() + session.ttlMs;
    session.timer = this.expireAfter(id, session.ttlMs);
    return true;
  }

  /** Also what the simulation calls to expire a session early. */
  endSession(id: string): void {
    const session = this.sessions.get(id);
    if (!session) return;
    session.timer.dispose();
    this.sessions.delete(id);
    for (const key of session.keys) this.remove(this.entries.get(key)!);
  }

  /** All data is lost, as by a server that kept it in memory and was restarted. Who watches is told to look again. */
  wipe(): void {
    this.restore([]);
  }

  /** What a backup made now would hold: documents that live and die with a session are not worth keeping. */
  backup(): Entry[] {
    return [...this.entries.values()].filter(({ session }) => session === undefined);
  }

  /** Only what the backup holds is left; sessions are over. Tokens go on from where they were, as a server's time does. */
  restore(backup: readonly Entry[]): void {
    for (const session of this.sessions.values()) session.timer.dispose();
    this.sessions.clear();
    this.entries.clear();
    for (const entry of backup) this.entries.set(entry.key, entry);
    for (const { listener } of [...this.watchers]) listener({ type: 'resync' });
  }

  /** How many sessions and watchers there are: none is left when every client is gone. */
  get clients(): { sessions: number; watchers: number } {
    return { sessions: this.sessions.size, watchers: this.watchers.size };
  }

  private expireAfter(id: string, delayMs: number): Disposable {
    return this.clock.setTimer(delayMs, () => this.endSession(id));
  }

  private remove(entry: Entry): void {
    this.entries.delete(entry.key);
    this.unbind(entry);
    this.notify(entry.key, { type: 'deleted', key: entry.key });
  }

  private unbind(entry: Entry | undefined): void {
    if (entry?.session !== undefined) this.sessions.get(entry.session)?.keys.delete(entry.key);
  }

  private notify(key: string, change: Change): void {
    for (const watcher of [...this.watchers]) if (key.startsWith(watcher.prefix)) watcher.listener(change);
  }
}
