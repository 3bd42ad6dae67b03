import { describe, expect, it } from '@jest/globals';
import { RunAbort } from '../../../lib/core/execution/run-abort.js';
import { Slots } from '../../../lib/core/execution/slots.js';

/** Counts who listens to it. */
class ListenedTo extends RunAbort {
  listening = 0;

  override onAbort(listener: () => void) {
    this.listening++;
    const listening = super.onAbort(listener);
    return {
      dispose: () => {
        this.listening--;
        listening.dispose();
      },
    };
  }
}

describe('Who takes a slot', () => {
  const clock = { monotonic: () => 0 };

  it('listens to what may end its wait for no longer than it waits', async () => {
    const slots = new Slots(1, clock);
    const closing = new ListenedTo();
    expect(await slots.take(0, closing)).toBe(true);
    expect(closing.listening).toBe(0);
    const waiting = slots.take(0, closing);
    expect(closing.listening).toBe(1);
    slots.give();
    expect(await waiting).toBe(true);
    expect(closing.listening).toBe(0);
  });

  it('gets none once it is told to wait no longer', async () => {
    const slots = new Slots(1, clock);
    const closing = new ListenedTo();
    slots.tryTake();
    const waiting = slots.take(0, closing);
    closing.abort(new Error('left'));
    expect(await waiting).toBe(false);
    expect(await slots.take(0, closing)).toBe(false);
    slots.give();
    expect(slots.used).toBe(0);
  });
});
