/** Three real processes, one real Redis, one `kill -9`: npm start -- 02-redis-cluster [--seconds 35] [--tasks 6] */
import 'reflect-metadata';
import { startRedis } from '../../../test/support/servers/redis.js';
import { ClusterShow } from './show/cluster-show.js';
import { showOptions } from './show/options.js';

const options = showOptions();
const slow = setTimeout(
  () => console.log('Getting a Redis server; the first time this may take half a minute.'),
  2_000,
);
const redis = await startRedis({ durability: 'everysec' }).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
clearTimeout(slow);
const show = new ClusterShow(redis.url, options);

// Ctrl-C: everything that was started here ends by its pid.
process.once('SIGINT', () => void end(130));
process.once('SIGTERM', () => void end(143));

async function end(exitCode: number): Promise<never> {
  await show.end();
  await redis.stop();
  process.exit(exitCode);
}

try {
  await end((await show.run()) ? 0 : 1);
} catch (error) {
  console.error(error);
  await end(1);
}
