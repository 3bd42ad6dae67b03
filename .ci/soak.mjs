// npm run soak -- --minutes 30 [--nodes 4] [--tasks 200] [--seed n] [--registry redis]: chaos for as long as you like.
import { bootstrap } from './bootstrap.mjs';
import { runTypeScript } from './process.mjs';

await bootstrap();
runTypeScript('test/chaos/soak.ts', process.argv.slice(2));
