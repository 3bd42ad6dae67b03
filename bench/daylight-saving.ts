/**
 * npm run bench -- daylight-saving [--write]
 *
 * What fires where clocks change: ours, `cron`, `croner` and `cron-parser` as running jobs on a clock moved by hand, and
 * Debian's own cron daemon on a clock that runs faster, which needs root and takes some minutes. Prints the tables of
 * docs/daylight-saving.md; `--write` puts them there, if everything could be measured.
 */
import { parseArgs } from 'node:util';
import { changes } from './daylight-saving/changes.js';
import { firedByLibraries, LIBRARIES } from './daylight-saving/libraries.js';
import { Page } from './common/page.js';
import { versionOf } from './common/peer.js';
import { changesText, policiesText, type Column } from './daylight-saving/tables.js';
import { measureVixieCron, type VixieCron } from './daylight-saving/vixie-cron.js';

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { write: { type: 'boolean', default: false } },
});

const page = new Page('daylight-saving.md');

/** Looked for before everything is measured, which takes its time. */
if (values.write) for (const name of ['policies', 'changes', 'versions']) page.read(name);

const fired: Awaited<ReturnType<typeof firedByLibraries>>[] = [];
for (const change of changes) fired.push(await firedByLibraries(change));
const columns: Column[] = LIBRARIES.map((library) => ({
  title: `\`${library}\``,
  runs: fired.map((byLibrary) => byLibrary[library]),
}));

let vixie: VixieCron | undefined;
try {
  console.error(
    'Debian’s cron lives through every change; this takes three minutes, or more where the machine is busy.',
  );
  vixie = await measureVixieCron(changes);
  columns.push({ title: 'Vixie cron', runs: vixie.fired });
} catch (error) {
  console.error(`The column of Vixie cron is left out: ${(error as Error).message}`);
}

const versions = LIBRARIES.map((library) => `\`${library}\` ${versionOf(library)}`).join(', ');
const zones = `Node ${process.versions.node} with zone data ${process.versions.tz}`;
const blocks = {
  policies: policiesText(),
  changes: changesText(columns),
  versions:
    vixie &&
    `Measured with ${versions} on ${zones}, and Debian’s \`cron\` ${vixie.version} with zone data ${vixie.zoneData}.`,
};
if (!values.write) console.log(Object.values(blocks).join('\n\n'));
else if (blocks.versions === undefined) {
  console.error('Nothing was written: the page would lose a column.');
  process.exitCode = 1;
} else {
  page.write({ ...blocks, versions: blocks.versions });
  console.error('Written: docs/daylight-saving.md');
}
