// Gives the thread back to its event loop, so that timers, messages and signals are heard between pieces of synchronous work.

let last = 0;

// Often enough for a signal to be heard within milliseconds, seldom enough to cost nothing.
const intervalMs = 5;

/** Resolves in a later turn of the event loop if the last such turn is 5 ms ago, at once otherwise. Never changes a result. */
export async function breathe(): Promise<void> {
  if (performance.now() - last < intervalMs) return;
  await new Promise<void>((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
  last = performance.now();
}
