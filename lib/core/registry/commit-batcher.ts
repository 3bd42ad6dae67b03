import type { Clock } from '../common/clock.js';
import { RegistryRefusedError } from './registry-errors.js';
import type { Registry, Write, WriteResult } from './registry.js';

interface Waiting {
  write: Write;
  isStillWanted: () => boolean;
  resolve: (result: WriteResult) => void;
  reject: (error: unknown) => void;
}

const MAX_BATCH = 500;
/** While so many commits are under way, further writes gather: under load the batches grow by themselves. */
const MAX_IN_FLIGHT = 3;

/** Gathers the writes of one turn of the loop and sends them in one commit. Each write keeps its own outcome. */
export class CommitBatcher {
  private waiting: Waiting[] = [];
  private inFlight = 0;
  private flushDue = false;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
  ) {}

  /** @param isStillWanted asked when the write is about to leave: this process may have stood still since it was handed in */
  commit(write: Write, isStillWanted: () => boolean = () => true): Promise<WriteResult> {
    const bytes = write.value === undefined ? 0 : Buffer.byteLength(write.value);
    const { maxValueBytes } = this.registry.capabilities;
    if (bytes > maxValueBytes) {
      // refused here, by itself: in a batch it would take the writes of others down with it
      return Promise.reject(
        new RegistryRefusedError(
          `${write.key} takes ${bytes} bytes, ${this.registry.kind} keeps at most ${maxValueBytes}`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ write, isStillWanted, resolve, reject });
      if (this.flushDue || this.inFlight >= MAX_IN_FLIGHT) return;
      this.flushDue = true;
      this.clock.setTimer(0, () => {
        this.flushDue = false;
        this.flush();
      });
    });
  }

  private flush(): void {
    while (this.waiting.length > 0 && this.inFlight < MAX_IN_FLIGHT) {
      const batch = this.waiting.splice(0, MAX_BATCH).filter((item) => {
        if (item.isStillWanted()) return true;
        item.resolve({ ok: false });
        return false;
      });
      if (batch.length === 0) continue;
      this.inFlight++;
      void this.send(batch).finally(() => {
        this.inFlight--;
        this.flush();
      });
    }
  }

  private async send(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.registry.commit(batch.map(({ write }) => write));
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
