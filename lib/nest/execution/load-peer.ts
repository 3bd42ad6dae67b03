import { DistributedScheduleError, errorMessage } from '../../core/common/errors.js';

/**
 * Loads an optional package for the option that needs it.
 * @throws DistributedScheduleError `MISSING_PEER` where it is not installed
 */
export async function loadPeer<T>(option: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const message = errorMessage(error);
    if (!/Cannot find (?:package|module) '/.test(message) || !message.includes(`'${name}'`)) throw error;
    const text = `The option ${option} needs the package ${name}, which is not installed: npm install ${name}`;
    throw new DistributedScheduleError('MISSING_PEER', text, { cause: error });
  }
}
