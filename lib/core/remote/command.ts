/** What one node asks of another. */
export interface Command {
  id: string;
  /** Who asks, and is told. */
  from: string;
  /** To abort a run by its signal. */
  abort: { runId: string; reason: string };
}

/** … and the answer, under the same id. */
export interface CommandReply {
  id: string;
  /** Whether it could be done. */
  done: boolean;
}

/** @returns `undefined` where the text is neither, or of a version we do not know */
export function decodeCommand(text: string): Command | CommandReply | undefined {
  try {
    const message = JSON.parse(text) as Partial<Command & CommandReply>;
    if (typeof message.id !== 'string') return undefined;
    const isCommand = typeof message.from === 'string' && typeof message.abort?.runId === 'string';
    return isCommand || typeof message.done === 'boolean' ? (message as Command | CommandReply) : undefined;
  } catch {
    return undefined;
  }
}
