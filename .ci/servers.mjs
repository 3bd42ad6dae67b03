// npm run servers -- up redis | down: real servers for work by hand, see test/support/servers.
import { bootstrap } from './bootstrap.mjs';
import { runTypeScript } from './process.mjs';

await bootstrap();
runTypeScript('test/support/servers/cli.ts', process.argv.slice(2));
