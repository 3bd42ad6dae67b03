import { openSync, readFileSync, writeSync } from 'node:fs';

/** What a handler did: a run begins, or comes to its end. */
export interface DiaryEntry {
  readonly kind: 'start' | 'end';
  /** Which of the processes. */
  readonly process: string;
  readonly task: string;
  readonly tick: number;
  readonly at: number;
}

/** Where one process writes down its runs. What is written has left the process: `kill -9` takes nothing of it away. */
export class Diary {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  write(kind: DiaryEntry['kind'], task: string, tick: number): void {
    writeSync(this.file, `${kind} ${task} ${tick} ${Date.now()}\n`);
  }
}

export function readDiary(path: string, process: string): DiaryEntry[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [kind, task, tick, at] = line.split(' ') as [DiaryEntry['kind'], string, string, string];
    return { kind, process, task, tick: Number(tick), at: Number(at) };
  });
}
