import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SchedulerService, type SchedulerEvent } from 'nestjs-distributed-schedule';
import type { Report } from '../app/report.js';
import { Ledger, type Account, type Start } from './ledger.js';
import type { ShowOptions } from './options.js';
import { CLEAN_UP, plan, ticksBetween, type Planned } from './plan.js';
import { clock, lateness, NODES, Screen } from './screen.js';
import { WorkerProcess } from './worker-process.js';

const KILL_AFTER_MS = 15_000;
/** The slow tasks tick so long after the kill: nobody can have noticed yet that their owner is dead. */
const SLOW_TICK_AFTER_KILL_MS = 2_000;
/** A tick may be so long on its way into the registry's history. */
const SETTLING_MS = 2_000;

interface Kill {
  node: string;
  at: number;
  tasks: string[];
}

/** The story: three nodes work, one is killed, the others take over, and the accounts are checked. */
export class ClusterShow {
  private readonly screen = new Screen();
  private readonly ledger = new Ledger();
  private readonly owned = new Map<string, string[]>();
  private readonly said = new Set<string>();
  private workers: WorkerProcess[] = [];
  private observer: INestApplicationContext | undefined;
  private tasks: Planned[] = [];
  private kill: Kill | undefined;
  /** Ticks are shown between the introduction and the end; they count before and after, too. */
  private isShown = false;

  constructor(
    private readonly redisUrl: string,
    private readonly options: ShowOptions,
  ) {}

  /** @returns whether every tick ran once, or has a recorded reason why it did not */
  async run(): Promise<boolean> {
    const scheduler = await this.start();
    const begun = Math.ceil(Date.now() / 1_000) * 1_000;
    const killAt = begun + KILL_AFTER_MS - 500; // between two seconds: no tick is half-way
    this.tasks = [...plan(this.options.tasks, killAt + SLOW_TICK_AFTER_KILL_MS), CLEAN_UP];
    for (const { name, schedule } of this.tasks) {
      if (name !== CLEAN_UP.name) await scheduler.addTask({ name, handler: 'work', schedule });
    }
    await sleep(500);
    this.introduce(killAt);

    await sleep(killAt - Date.now());
    await this.killOne();
    await sleep(begun + this.options.seconds * 1_000 - Date.now());
    const until = Date.now();
    await sleep(SETTLING_MS);
    return this.sumUp(scheduler, until);
  }

  /** Ends everything that was started, wherever the story is. */
  async end(): Promise<void> {
    this.isShown = false;
    await Promise.all(this.workers.map((worker) => worker.end('SIGKILL')));
    this.workers = [];
  }

  private async start(): Promise<SchedulerService> {
    const started = performance.now();
    this.screen.title('Three processes of one Nest application, one Redis');
    const namespace = `sample-${process.pid}`; // of its own, also in a Redis that others use
    const env = { REDIS_URL: this.redisUrl, SCHEDULE_NAMESPACE: namespace };
    this.workers = NODES.map((name) => new WorkerProcess(name, env, (report, from) => this.hear(report, from)));

    // This process is of the cluster too, as an observer: it sees and manages everything and runs nothing.
    Object.assign(process.env, env, { SCHEDULE_NODE: 'observer', SCHEDULE_ROLE: 'observer' });
    const { AppModule } = await import('../app/app.module.js');
    this.observer = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
    const scheduler = this.observer.get(SchedulerService);
    while (scheduler.listNodes().filter(({ status }) => status === 'working').length <= NODES.length) {
      const gone = this.workers.find(({ isRunning }) => !isRunning);
      if (gone) throw new Error(`The worker ${gone.name} has ended; what it said stands above.`);
      await sleep(50);
    }
    scheduler.nodeEvents$.subscribe((event) => this.notice(event));
    this.screen.note(
      `${NODES.length} nodes work after ${lateness(Math.round(performance.now() - started))}, Redis at ${this.redisUrl.replace(/^.*@/, '')}`,
    );
    return scheduler;
  }

  private introduce(killAt: number): void {
    const widths = [8, 8, 0];
    this.screen.row(['node', 'pid', 'looks after'], widths, 'dim');
    for (const { name, pid } of this.workers) {
      this.screen.row([name, String(pid), this.owned.get(name)?.join(', ') || 'nothing'], widths, name as 'cyan');
    }
    this.screen.hint(
      `A line is a tick, in the column of the node that ran it. At ${clock(killAt)} one of the nodes is killed.`,
    );
    this.screen.lanes();
    this.isShown = true;
  }

  private hear(report: Report, node: string): void {
    if (report.type === 'owns') this.owned.set(node, report.tasks);
    else if (report.type === 'log') this.say(node, report.message);
    else {
      const start: Start = { ...report, node };
      const isFirst = this.ownerBefore(start) && this.afterKill(start.task).length === 0;
      this.ledger.add(start);
      if (this.isShown) this.screen.tick(start, isFirst ? `← ${this.kill!.node}'s task` : '');
    }
  }

  /** Three nodes say the same thing; it is shown once. */
  private say(node: string, message: string): void {
    if (!this.isShown || this.said.has(message)) return;
    this.said.add(message);
    this.screen.note(`${node}: ${message}`);
  }

  private notice({ type, at, data }: SchedulerEvent): void {
    if (type !== 'node.left' || data.nodeId !== this.kill?.node) return;
    this.screen.event(
      `The session of ${data.nodeId} has run out, ${lateness(at - this.kill.at)} after the kill: its tasks have new owners`,
    );
  }

  private async killOne(): Promise<void> {
    const worker = this.workers.reduce((best, one) => (this.worth(one) > this.worth(best) ? one : best));
    const tasks = this.owned.get(worker.name) ?? [];
    this.kill = { node: worker.name, at: Date.now(), tasks };
    await worker.end('SIGKILL');
    this.screen.event(`kill -9 ${worker.pid} (${worker.name}), which looked after ${tasks.join(', ')}`, 'red');
    this.screen.note('Of its tasks, the slow ones have a standby; the quick ones wait until its session has run out.');
  }

  /** The most is to be seen where a node has tasks of both kinds. */
  private worth({ name }: WorkerProcess): number {
    const tasks = this.owned.get(name) ?? [];
    const has = (kind: string): number => (tasks.some((task) => task.startsWith(kind)) ? 100 : 0);
    return has('quick') + has('slow') + tasks.length;
  }

  private ownerBefore({ task }: Start): boolean {
    return this.kill?.tasks.includes(task) === true;
  }

  private afterKill(task: string): Start[] {
    return this.ledger.of(task).filter(({ at }) => this.kill && at > this.kill.at);
  }

  private async sumUp(scheduler: SchedulerService, until: number): Promise<boolean> {
    const rows: { task: Planned; account: Account }[] = [];
    for (const task of this.tasks) {
      const { createdAt } = scheduler.getTask(task.name)!;
      const ticks = ticksBetween(task, createdAt.getTime(), until);
      rows.push({
        task,
        account: this.ledger.account(task.name, ticks, await scheduler.listRuns({ task: task.name })),
      });
    }
    await this.leave(scheduler);

    this.screen.title('What became of every tick');
    const widths = [10, 6, 6, 9, 10, 18, 8];
    this.screen.row(
      [
        'task',
        'every',
        'ticks',
        'ran once',
        'ran twice',
        'not run, and why',
        'missing',
        `after the kill of ${this.kill!.node}`,
      ],
      widths,
      'dim',
    );
    for (const { task, account } of rows) {
      const { ticks, ranOnce, ranTwice, missing } = account;
      const skipped = [...account.skipped].map(([reason, count]) => `${count} ${reason}`).join(', ') || '–';
      const cells = [task.name, task.every, ticks, ranOnce, ranTwice, skipped, missing, this.takeover(task)];
      this.screen.row(
        cells.map(String),
        widths,
        this.kill!.tasks.includes(task.name) ? (this.kill!.node as 'cyan') : undefined,
      );
    }
    const sum = (pick: (account: Account) => number): number =>
      rows.reduce((total, { account }) => total + pick(account), 0);
    const [twice, missing] = [sum(({ ranTwice }) => ranTwice), sum((account) => account.missing)];
    const good = twice === 0 && missing === 0;
    const reasons = sum(({ skipped }) => [...skipped.values()].reduce((total, count) => total + count, 0));
    this.screen.title(
      `${sum(({ ticks }) => ticks)} ticks: ${sum(({ ranOnce }) => ranOnce)} ran once, ${twice} ran twice, ` +
        `${reasons} did not run and the history says why, ${missing} missing. ${good ? 'As promised.' : 'This must not be.'}`,
    );
    return good;
  }

  private takeover(task: Planned): string {
    if (!this.kill?.tasks.includes(task.name)) return '–';
    const [first] = this.afterKill(task.name);
    if (!first) return 'not due any more';
    const before = this.ledger.of(task.name).findLast(({ at }) => at <= this.kill!.at);
    const gap =
      before && first.tick - before.tick > task.periodMs
        ? `, ${lateness(first.tick - before.tick)} after the tick before`
        : '';
    return `${first.node} ran ${clock(first.tick)}, ${lateness(first.at - first.tick)} late${gap}`;
  }

  /** The others leave in good order, and the tasks are removed: the Redis may be somebody else's. */
  private async leave(scheduler: SchedulerService): Promise<void> {
    this.isShown = false;
    await Promise.all(this.workers.filter(({ isRunning }) => isRunning).map((worker) => worker.end('SIGTERM')));
    for (const { name } of scheduler.listTasks()) await scheduler.purgeTask(name);
    await this.observer?.close();
  }
}
