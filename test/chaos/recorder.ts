import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A handler began, as the process that ran it told. */
export interface StartNote {
  type: 'start';
  node: string;
  task: string;
  id: string;
  attempt: number;
  trigger: string;
  tick?: number;
  token: string;
  at: number;
}

export type Note =
  | StartNote
  | { type: 'end'; node: string; task: string; id: string; attempt: number }
  | { type: 'ready'; node: string; pid: number };

/** The witness: every node tells it what it does, over one socket each, and what has been told survives any kill. */
export class EffectRecorder {
  readonly notes: Note[] = [];
  private readonly sockets = new Set<Socket>();
  private waiting: { fact: (note: Note) => boolean; resolve: (note: Note) => void }[] = [];

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined); // a killed node's socket resets; what arrived before counts
      socket.on('close', () => this.sockets.delete(socket));
      createInterface({ input: socket }).on('line', (line) => this.take(line));
    });
  }

  static async start(): Promise<EffectRecorder> {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return new EffectRecorder(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get starts(): StartNote[] {
    return this.notes.filter((note) => note.type === 'start');
  }

  /** The first note, past ones included, for which the fact holds. */
  next(fact: (note: Note) => boolean, withinMs = 30_000): Promise<Note> {
    const past = this.notes.find(fact);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`nobody told what was waited for within ${withinMs} ms`)),
        withinMs,
      );
      this.waiting.push({
        fact,
        resolve: (note) => {
          clearTimeout(timer);
          resolve(note);
        },
      });
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((closed) => this.server.close(closed));
  }

  private take(line: string): void {
    const note = JSON.parse(line) as Note;
    this.notes.push(note);
    this.waiting = this.waiting.filter((waiter) => {
      if (!waiter.fact(note)) return true;
      waiter.resolve(note);
      return false;
    });
  }
}
