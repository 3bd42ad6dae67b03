import type { Clock } from '../../core/common/clock.js';
import type { Disposable } from '../../core/common/disposable.js';
import { Fifo } from '../../core/common/fifo.js';
import { RegistryUnavailableError } from '../../core/registry/registry-errors.js';
import { atomically, getData, remove, setData } from './wire/requests.js';
import type { DocumentPlace } from './zookeeper-keys.js';
import type { ZookeeperLink } from './zookeeper-link.js';

const KEPT_MS = 60_000;
const PACE_MS = 1_000;
/** Removed at most in one round, and in one transaction. */
const ROUND = 1_000;
const TRANSACTION = 200;

interface Grave extends DocumentPlace {
  readonly version: number;
  readonly dueAt: number;
}

/**
 * ZooKeeper counts the versions of a node from 0 again when it is made anew, so a condition on version 3 could hold for
 * another document of the same name. That is why deleting a document takes only its content away. A minute later, when
 * no condition is that old, the empty node is removed by whoever deleted it or met it in a list.
 *
 * That does not cover documents that are bound to a session: those leave nothing behind. Their revision names the session
 * instead, so it means nothing in another one. A document that is deleted and bound again in the same session counts from
 * 0 again, and a revision from before may hold then: the port promises otherwise only while the document lives.
 *
 * For the same reason the version alone does not tell that it still is the node that was emptied. So whoever removes a
 * node for good writes its bucket too, in one transaction; and here the bucket's version is read before the node and is
 * a condition of the removal. What is left because of that, or for lack of a connection, is met in the next list.
 */
export class ZookeeperGraves {
  private readonly graves = new Fifo<Grave>();
  private next: Grave | undefined;
  private timer: Disposable | undefined;
  private isOpen = true;

  constructor(
    private readonly clock: Clock,
    private readonly link: () => ZookeeperLink | undefined,
    private readonly onError: (error: unknown) => void,
  ) {}

  add({ bucket, path }: DocumentPlace, version: number): void {
    if (!this.isOpen) return;
    const grave = { bucket, path, version, dueAt: this.clock.monotonic() + KEPT_MS };
    if (this.next) this.graves.push(grave);
    else this.next = grave;
    this.timer ??= this.clock.setTimer(KEPT_MS, () => void this.clear());
  }

  /** What is not removed by now is met in a list of somebody else. */
  close(): void {
    this.isOpen = false;
    this.timer?.dispose();
  }

  private async clear(): Promise<void> {
    const link = this.link();
    if (link) await Promise.all([...this.due()].map(([bucket, graves]) => this.clearBucket(link, bucket, graves)));
    if (!this.isOpen) return;
    const delayMs = this.next && Math.max(PACE_MS, this.next.dueAt - this.clock.monotonic());
    this.timer = delayMs === undefined ? undefined : this.clock.setTimer(delayMs, () => void this.clear());
  }

  private due(): Map<string, Grave[]> {
    const now = this.clock.monotonic();
    const buckets = new Map<string, Grave[]>();
    for (let i = 0; i < ROUND && this.next && this.next.dueAt <= now; i++) {
      const graves = buckets.get(this.next.bucket);
      if (graves) graves.push(this.next);
      else buckets.set(this.next.bucket, [this.next]);
      this.next = this.graves.shift();
    }
    return buckets;
  }

  private async clearBucket(link: ZookeeperLink, bucket: string, graves: readonly Grave[]): Promise<void> {
    try {
      for (let i = 0; i < graves.length; i += TRANSACTION) {
        const some = graves.slice(i, i + TRANSACTION);
        if (!(await clearSome(link, bucket, some))) for (const grave of some) this.add(grave, grave.version);
      }
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError)) this.onError(error);
    }
  }
}

/** False where others have been at work in the bucket, or on one of the nodes. */
async function clearSome(link: ZookeeperLink, bucket: string, graves: readonly Grave[]): Promise<boolean> {
  const [parent, ...nodes] = await Promise.all(
    [bucket, ...graves.map(({ path }) => path)].map((path) => link.call(getData(path), path)),
  );
  const empty = graves.filter(({ version }, i) => {
    const node = nodes[i]!.value;
    return node?.data === null && node.stat.owner === 0n && node.stat.version === version;
  });
  if (parent!.miss || empty.length === 0) return true;
  const removals = empty.map(({ path, version }) => remove(path, version));
  const reply = await link.call(atomically([...removals, markRemoval(bucket, parent!.value.stat.version)]), bucket);
  return !reply.miss;
}

/** Part of every transaction that removes a node without a session. @param version -1 for any */
export const markRemoval = (bucket: string, version: number): ReturnType<typeof setData> =>
  setData(bucket, '', version);
