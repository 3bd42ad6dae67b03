/** Words shared by every real server of the test suite: what is asked for, and what a test can do to it. */

export interface StartOptions {
  /** Default: a free one on loopback. */
  port?: number;
  /** Folder for the data. Default: a throw-away one, removed at `stop`. A given folder is kept. */
  dir?: string;
  /** Further arguments of the server's own command line; they win over ours. */
  args?: string[];
  /** The test will kill it, so an address from the environment will not do: that server is not ours to kill. */
  killable?: boolean;
  /** It outlives this process. For work by hand; tests never set it. */
  detached?: boolean;
}

export interface RunningServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Unset while it is down, and for a server that somebody else runs. Changes with every restart. */
  readonly pid: number | undefined;
  /** Throw-away folder with its log, removed at `stop`. */
  readonly scratch: string | undefined;
  /** Ends it the hard way, by default with SIGKILL, and waits until it is gone. The data stays. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void;
  resume(): void;
  /**
   * Kills what runs, and waits until it answers again on the same port. `keepData: false` starts from nothing, `data`
   * from what `saveData` put aside.
   */
  restart(options: { keepData: boolean } | { data: string }): Promise<void>;
  /** Copies the data of a server that is down, as a backup of its disk would; returns the folder. */
  saveData(): string;
  /** Ends it and removes its throw-away data. Safe to call twice, and while it is paused or down. */
  stop(): Promise<void>;
}

/** Where one server of a cluster lives. A server that stands alone is its own only member. */
export interface Place {
  /** The first is the one for clients. */
  readonly ports: readonly number[];
  /** For the data; what else it needs, such as a configuration, may go beside it. */
  readonly dir: string;
  readonly index: number;
  readonly members: readonly { readonly host: string; readonly ports: readonly number[] }[];
}

/** What one kind of server has to say about itself; `startServer` and `findProgram` do the rest. */
export interface ServerKind<Options extends StartOptions = StartOptions> {
  /** As in `npm run servers -- up <name>`. */
  readonly name: string;
  /** Environment variable with the address of a server that runs already. */
  readonly variable: string;
  readonly program: ProgramNeed;
  /** How many ports it needs. */
  readonly ports: number;
  url(port: number): string;
  /** Asked once per start; a restart uses the same arguments. */
  commandLine(place: Place, options: Options): string[] | Promise<string[]>;
  /**
   * Puts what must be there into the data folder, which is empty or as the last run left it. Asked before every run. `run`
   * runs another program of the same package to its end, as the user who will run the server.
   */
  prepare?(dir: string, run: (executable: string, args: string[]) => Promise<unknown>): Promise<void>;
  /** Gets what the program needs besides, so that it can be had before a test's time begins. */
  fetch?(): Promise<unknown>;
  /** True once it serves, not merely listens. A rejection counts as not yet. */
  answers(address: { host: string; port: number }): Promise<boolean>;
}

export interface Packages {
  /** Debian packages. Libraries they need are added. */
  readonly packages: string[];
  /** Debian release to take them from, where it is not the machine's own. */
  readonly suite?: string;
}

export interface ProgramNeed extends Packages {
  /** Name of the executable on the PATH and in the packages. */
  readonly executable: string;
  /** Folder of the packages that has a folder for each version, with its programs in `bin`. As in `usr/lib/<name>`. */
  readonly versionsIn?: string;
  /** Root runs it as nobody. */
  readonly refusesRoot?: boolean;
}

/** How to run a program: a command and what its environment needs on top. */
export interface Program {
  readonly command: string;
  readonly env: Record<string, string>;
}
