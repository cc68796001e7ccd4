// Warnings in one place (gymnasium/logger.py), so that a program can send them elsewhere.

type Warn = (message: string) => void;

const toConsole: Warn = (message) => console.warn(`gymnasium-js: ${message}`);
let sink: Warn = toConsole;

/** Sends warnings to `handler` instead of `console.warn`; without one, back to the console. Returns the handler before. */
export function setWarningHandler(handler: Warn = toConsole): Warn {
  const before = sink;
  sink = handler;
  return before;
}

/** Tells the user about something odd that does not stop the program. */
export function warn(message: string): void {
  sink(message);
}
