import { parseArgs } from 'node:util';

export interface ShowOptions {
  seconds: number;
  tasks: number;
}

const USAGE = `npm start -- 02-redis-cluster [--seconds 35] [--tasks 6]

  --seconds   how long the cluster runs, from 30 on; one node is killed after 15 (default 35)
  --tasks     how many dynamic tasks: a third ticks every second, the others every 30 s (default 6)

REDIS_URL names a Redis to use; without it one is started for the time of the show.`;

/** The options of the command line; a wrong one ends the process with a usage text. */
export function showOptions(): ShowOptions {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: '35' },
        tasks: { type: 'string', default: '6' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) usage(0);
    return { seconds: numberOf('seconds', values.seconds, 30), tasks: numberOf('tasks', values.tasks, 3) };
  } catch (error) {
    console.error(`${(error as Error).message}\n`);
    return usage(1);
  }
}

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} ${text}: give a whole number from ${least} on`);
  return value;
}

function usage(exitCode: number): never {
  console.error(USAGE);
  process.exit(exitCode);
}
