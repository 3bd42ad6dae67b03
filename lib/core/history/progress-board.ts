import type { Clock } from '../common/clock.js';
import type { Disposable } from '../common/disposable.js';
import { errorMessage } from '../common/errors.js';
import type { LoggerPort } from '../common/logger.js';
import type { RunProgress } from '../common/run.js';
import { keys } from '../registry/keyspace.js';
import type { Registry } from '../registry/registry.js';

/** However often a run tells how far it is, others are told no more often than this. */
const WRITE_EVERY_MS = 1_000;

/** How far the runs of a node are, for the other nodes to see: one document, gone with its session. Best effort. */
export class ProgressBoard {
  private readonly current = new Map<string, RunProgress>();
  private timer: Disposable | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly nodeId: string,
    private readonly session: () => string | undefined,
    private readonly logger: LoggerPort,
  ) {}

  note(runId: string, progress: RunProgress): void {
    this.current.set(runId, progress);
    this.timer ??= this.clock.setTimer(WRITE_EVERY_MS, () => this.write());
  }

  forget(runId: string): void {
    if (this.current.delete(runId)) this.timer ??= this.clock.setTimer(WRITE_EVERY_MS, () => this.write());
  }

  of(runId: string): RunProgress | undefined {
    return this.current.get(runId);
  }

  /** How far the runs of that node are, by their ids. */
  async ofNode(nodeId: string): Promise<Record<string, RunProgress>> {
    if (nodeId === this.nodeId) return Object.fromEntries(this.current);
    const entry = await this.registry.get(keys.progress(nodeId));
    return entry ? (JSON.parse(entry.value) as Record<string, RunProgress>) : {};
  }

  dispose(): void {
    this.timer?.dispose();
  }

  private write(): void {
    this.timer = undefined;
    const session = this.session();
    if (!session) return;
    const key = keys.progress(this.nodeId);
    const isEmpty = this.current.size === 0;
    const value = JSON.stringify(Object.fromEntries(this.current));
    this.registry.commit([isEmpty ? { key } : { key, value, session }]).catch((error: unknown) => {
      this.logger.debug('Others are not told how far the runs of this node are', { reason: errorMessage(error) });
    });
  }
}
