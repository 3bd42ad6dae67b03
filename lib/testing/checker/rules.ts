import type { Rule } from './rule.js';
import { accounted } from './rules/accounted.js';
import { backfill } from './rules/backfill.js';
import { cancel } from './rules/cancel.js';
import { circuit } from './rules/circuit.js';
import { claimant } from './rules/claimant.js';
import { claimed } from './rules/claimed.js';
import { cursor } from './rules/cursor.js';
import { definition } from './rules/definition.js';
import { history } from './rules/history.js';
import { honestEnd } from './rules/honest-end.js';
import { ledger } from './rules/ledger.js';
import { maxRuns } from './rules/max-runs.js';
import { onTime } from './rules/on-time.js';
import { overlap } from './rules/overlap.js';
import { pauseAfter } from './rules/pause-after.js';
import { prompt } from './rules/prompt.js';
import { queued } from './rules/queued.js';
import { recovery } from './rules/recovery.js';
import { replace } from './rules/replace.js';
import { retry } from './rules/retry.js';
import { revival } from './rules/revival.js';
import { settled } from './rules/settled.js';
import { singleStart } from './rules/single-start.js';
import { startRun } from './rules/start-run.js';
import { timeLimits } from './rules/time-limits.js';
import { tokens } from './rules/tokens.js';
import type { World } from './world.js';

/** The invariants of the protocol, one file each. */
export const RULES: readonly ((world: World) => Rule)[] = [
  singleStart,
  claimed,
  claimant,
  tokens,
  onTime,
  cursor,
  accounted,
  definition,
  revival,
  overlap,
  recovery,
  honestEnd,
  history,
  backfill,
  startRun,
  maxRuns,
  ledger,
  queued,
  replace,
  circuit,
  pauseAfter,
  retry,
  timeLimits,
  cancel,
  settled,
  prompt,
];
