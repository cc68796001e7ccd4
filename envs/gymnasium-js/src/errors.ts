// Gymnasium's own error names (gymnasium/error.py), hung into the tree of @tessera/core: all of these are the caller's mistakes.
// What an environment does wrong is an EnvironmentError.
import { ConfigError } from '@tessera/core';

/** No registered environment fits the id; the subclasses say which part of the id is unknown. */
export class UnregisteredEnv extends ConfigError {
  override readonly name: string = 'UnregisteredEnv';
}

/** The namespace of the id is unknown. */
export class NamespaceNotFound extends UnregisteredEnv {
  override readonly name: string = 'NamespaceNotFound';
}

/** The name of the id is unknown. */
export class NameNotFound extends UnregisteredEnv {
  override readonly name: string = 'NameNotFound';
}

/** The name is known, but not in this version, which is newer than all that are. */
export class VersionNotFound extends UnregisteredEnv {
  override readonly name: string = 'VersionNotFound';
}

/** The name is known, but this version is gone. */
export class DeprecatedEnv extends ConfigError {
  override readonly name: string = 'DeprecatedEnv';
}

/** An id cannot be registered beside those that are. */
export class RegistrationError extends ConfigError {
  override readonly name: string = 'RegistrationError';
}

/** Something that an environment or wrapper needs is not installed. */
export class DependencyNotInstalled extends ConfigError {
  override readonly name: string = 'DependencyNotInstalled';
}

/** `step` or `render` before the first `reset`, or of an ended episode that had to be reset. */
export class ResetNeeded extends ConfigError {
  override readonly name: string = 'ResetNeeded';
}

/** An action that is not in the action space. */
export class InvalidAction extends ConfigError {
  override readonly name: string = 'InvalidAction';
}

/** A call while an earlier one is still under way. */
export class AlreadyPendingCallError extends ConfigError {
  override readonly name: string = 'AlreadyPendingCallError';
}

/** A call on an environment that has been closed. */
export class ClosedEnvironmentError extends ConfigError {
  override readonly name: string = 'ClosedEnvironmentError';
}
