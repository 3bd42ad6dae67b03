/** What the core logs through. Nest's `Logger` fits; messages are constant, what varies is in `data`. */
export interface LoggerPort {
  debug(message: string, data?: object): void;
  log(message: string, data?: object): void;
  warn(message: string, data?: object): void;
  error(message: string, data?: object): void;
}

export const SILENT_LOGGER: LoggerPort = {
  debug: () => undefined,
  log: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
