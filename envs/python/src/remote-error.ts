// What went wrong in a child, as errors of ours: Python's exceptions by their class, and the ways a Python can be missing.
import { ConfigError, EnvironmentError } from '@tessera/core';
import {
  DependencyNotInstalled,
  DeprecatedEnv,
  InvalidAction,
  NameNotFound,
  NamespaceNotFound,
  RegistrationError,
  ResetNeeded,
  UnregisteredEnv,
  VersionNotFound,
} from 'gymnasium-js';

/** The content of an `E` frame. */
export interface SentException {
  readonly call: 'start' | 'make' | 'reset' | 'step' | 'render' | 'close';
  /** Name of the exception's class. */
  readonly type: string;
  /** The first of its classes that is Gymnasium's or the bridge's, or `ImportError`. */
  readonly known: string | null;
  readonly message: string;
  /** Of an ImportError: the module that is missing. */
  readonly module: string | null;
  readonly traceback: string;
  /** Index of the environment within its child. */
  readonly env: number | null;
}

/** An exception of Python; its `stack` is Python's traceback. */
export class PythonException extends Error {
  constructor({ type, message, traceback }: SentException) {
    super(message);
    this.name = type;
    this.stack = traceback;
  }
}

const classes: Readonly<Record<string, new (message: string, options: { cause: unknown }) => Error>> = {
  DeprecatedEnv,
  InvalidAction,
  NameNotFound,
  NamespaceNotFound,
  RegistrationError,
  ResetNeeded,
  UnregisteredEnv,
  VersionNotFound,
  DependencyNotInstalled,
  ImportError: DependencyNotInstalled,
  Error: ConfigError,
  Unsupported: ConfigError,
  Mismatch: EnvironmentError,
};

/** The error for an exception in the child whose first environment has the index `first`. */
export function remoteError(id: string, sent: SentException, first: number): Error {
  const cause = new PythonException(sent);
  if (sent.call === 'start') return new DependencyNotInstalled(startText(sent), { cause });
  if (sent.call === 'make') return makeError(id, sent, cause);
  const what = sent.known === 'Mismatch' ? sent.message : `${sent.type}: ${sent.message}`;
  const place = `environment ${first + (sent.env ?? 0)}: ${sent.call}`;
  const remote = sent.known === 'Mismatch' ? '' : `\n${indent(sent.traceback)}`;
  const ErrorClass = (sent.known === null ? undefined : classes[sent.known]) ?? EnvironmentError;
  return new ErrorClass(`python:${id}: ${place}: ${what}${remote}`, { cause });
}

function makeError(id: string, sent: SentException, cause: unknown): Error {
  const { known, message, module, type } = sent;
  if (known === 'ImportError') {
    const wayOut =
      module === null ? 'Install what it names' : `Install '${module}' into this Python, or correct the id`;
    return new DependencyNotInstalled(`makeVec: python:${id}: ${type}: ${message}. ${wayOut}.`, { cause });
  }
  if (known === 'Unsupported') return new ConfigError(`makeVec: python:${id}: not supported: ${message}.`, { cause });
  if (known !== null && Object.hasOwn(classes, known)) {
    const hint = known === 'NamespaceNotFound' ? ` Is it registered by a module? Write python:module:${id}.` : '';
    return new classes[known]!(`makeVec: python:${id}: ${message}${hint}`, { cause });
  }
  const isArgument = type === 'TypeError' && message.includes('unexpected keyword argument');
  const ErrorClass = isArgument ? ConfigError : EnvironmentError;
  const remote = isArgument ? '' : `\n${indent(sent.traceback)}`;
  return new ErrorClass(`makeVec: python:${id} could not be built: ${type}: ${message}${remote}`, { cause });
}

const install = 'pip install "gymnasium>=1.0" numpy';

function startText({ module, message, type }: SentException): string {
  if (module === 'gymnasium' || module === 'numpy') {
    return `python: ${type}: ${message}. Install it into the Python that TESSERA_PYTHON names: ${install}`;
  }
  return `python: the child could not start: ${type}: ${message}. It needs: ${install}`;
}

/** The error for a command that is no Python that we can use. `output` is what it printed last. */
export function noPython(command: string, why: string, output: string): Error {
  const tooOld = /^tessera: too old: (.*)$/m.exec(output)?.[1];
  const wayOut = `Name a Python >= 3.8 with gymnasium in TESSERA_PYTHON or in the option python (${install}).`;
  if (tooOld !== undefined) return new DependencyNotInstalled(`python: '${command}' is ${tooOld}, too old. ${wayOut}`);
  const printed = output.trim() === '' ? '' : ` It printed:\n${indent(output.trim())}\n`;
  return new DependencyNotInstalled(`python: '${command}' ${why}.${printed} ${wayOut}`);
}

const indent = (text: string): string => text.trimEnd().replace(/^(?=.)/gm, '    ');
