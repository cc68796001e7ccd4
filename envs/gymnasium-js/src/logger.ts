// Warnings in one place (gymnasium/logger.py), so that a program can silence them or send them elsewhere.
import { ConfigError } from '@tessera/core';

/** What a message is about: something odd, something that will go away, something wrong that does not stop the program. */
export type WarningKind = 'warn' | 'deprecation' | 'error';
/** Where messages go. */
export type WarningHandler = (message: string, kind: WarningKind) => void;

const WARN = 30;
const ERROR = 40;
const toConsole: WarningHandler = (message) => console.warn(`gymnasium-js: ${message}`);
let sink: WarningHandler = toConsole;
let minLevel: number = WARN;

/** Sends messages to `handler` instead of `console.warn`; without one, back to the console. Returns the handler before. */
export function setWarningHandler(handler: WarningHandler = toConsole): WarningHandler {
  const before = sink;
  sink = handler;
  return before;
}

/** Tells the user about something odd that does not stop the program. */
export function warn(message: string): void {
  if (minLevel <= WARN) sink(message, 'warn');
}

/** Tells the user about something that still works and will not for ever. */
export function deprecation(message: string): void {
  if (minLevel <= WARN) sink(message, 'deprecation');
}

/** Tells the user about something wrong that does not stop the program. */
export function logError(message: string): void {
  if (minLevel <= ERROR) sink(message, 'error');
}

/** Gymnasium's `logger`: `logger.minLevel = logger.ERROR` silences warnings, a larger level everything. */
export const logger: {
  readonly WARN: number;
  readonly ERROR: number;
  minLevel: number;
  warn: (message: string) => void;
  deprecation: (message: string) => void;
  error: (message: string) => void;
} = {
  WARN,
  ERROR,
  get minLevel() {
    return minLevel;
  },
  set minLevel(level) {
    if (typeof level !== 'number' || Number.isNaN(level)) {
      throw new ConfigError(`logger: expected a number as minLevel, got ${String(level)}. Take logger.WARN or ERROR.`);
    }
    minLevel = level;
  },
  warn,
  deprecation,
  error: logError,
};
