// Jest's Node environment with one law more: a spec file that leaves a timer, socket, server or child process behind
// fails. What is left open today keeps a user's process from ending tomorrow, and makes the next test flaky.
import { TestEnvironment } from 'jest-environment-node';
import { setTimeout as sleep } from 'node:timers/promises';

const watched = ['Timeout', 'TCPServerWrap', 'TCPSocketWrap', 'ProcessWrap', 'FSEventWrap', 'UDPWrap', 'MessagePort'];
const patienceMs = 2_000;

export default class CleanNodeEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    this.openBefore = countOpen();
  }

  async handleTestEvent({ name }, state) {
    if (name !== 'run_finish') return;
    // A closed socket is gone only after the event loop has been round: the fact is waited for, with a bound.
    const deadline = performance.now() + patienceMs;
    while (this.left().length > 0 && performance.now() < deadline) await sleep(10);
    const left = this.left();
    if (left.length === 0) return;
    const error = new Error(`This spec file left open: ${left.join(', ')}.`);
    error.stack = error.message; // Our own lines would only mislead.
    state.unhandledErrors.push(error);
  }

  left() {
    const open = countOpen();
    return watched
      .filter((kind) => open[kind] > this.openBefore[kind])
      .map((kind) => `${open[kind] - this.openBefore[kind]} ${kind}`);
  }
}

/** Only what keeps the process alive counts; a timer without a reference does not. */
function countOpen() {
  const open = process.getActiveResourcesInfo();
  return Object.fromEntries(watched.map((kind) => [kind, open.filter((name) => name === kind).length]));
}
