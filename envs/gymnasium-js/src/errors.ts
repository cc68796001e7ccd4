// Gymnasium's own error names (gymnasium/error.py), hung into the tree of @tessera/core: all of these are the caller's mistakes.
// What an environment does wrong is an EnvironmentError.
import { ConfigError } from '@tessera/core';

/** Gymnasium's `error.Error`: the root of most of the errors below. */
export class GymnasiumError extends ConfigError {
  override readonly name: string = 'GymnasiumError';
}

/** No registered environment fits the id; the subclasses say which part of the id is unknown. */
export class UnregisteredEnv extends GymnasiumError {
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
export class DeprecatedEnv extends GymnasiumError {
  override readonly name: string = 'DeprecatedEnv';
}

/** An id cannot be registered beside those that are. */
export class RegistrationError extends GymnasiumError {
  override readonly name: string = 'RegistrationError';
}

/** Something that an environment or wrapper needs is not installed. */
export class DependencyNotInstalled extends GymnasiumError {
  override readonly name: string = 'DependencyNotInstalled';
}

/** A render mode that an environment or wrapper does not have. */
export class UnsupportedMode extends GymnasiumError {
  override readonly name: string = 'UnsupportedMode';
}

/** The metadata of an environment is not valid. */
export class InvalidMetadata extends GymnasiumError {
  override readonly name: string = 'InvalidMetadata';
}

/** `step` or `render` before the first `reset`, or of an ended episode that had to be reset. */
export class ResetNeeded extends GymnasiumError {
  override readonly name: string = 'ResetNeeded';
}

/** An action that is not in the action space. */
export class InvalidAction extends GymnasiumError {
  override readonly name: string = 'InvalidAction';
}

/** An argument that has no default is missing. */
export class MissingArgument extends GymnasiumError {
  override readonly name: string = 'MissingArgument';
}

/** A probability outside its interval. */
export class InvalidProbability extends GymnasiumError {
  override readonly name: string = 'InvalidProbability';
}

/** A lower bound above its upper bound, or no bound at all where one is needed. */
export class InvalidBound extends GymnasiumError {
  override readonly name: string = 'InvalidBound';
}

/** A wrapper under a name that is no longer used. */
export class DeprecatedWrapper extends ConfigError {
  override readonly name: string = 'DeprecatedWrapper';
}

/** A call while an earlier one is still under way; `pendingCall` names that one. */
export class AlreadyPendingCallError extends ConfigError {
  override readonly name: string = 'AlreadyPendingCallError';
  readonly pendingCall: string;

  constructor(message: string, pendingCall = '') {
    super(message);
    this.pendingCall = pendingCall;
  }
}

/** Waiting for a call that was never begun; `missingCall` names it. */
export class NoAsyncCallError extends ConfigError {
  override readonly name: string = 'NoAsyncCallError';
  readonly missingCall: string;

  constructor(message: string, missingCall = '') {
    super(message);
    this.missingCall = missingCall;
  }
}

/** A call on an environment that has been closed. */
export class ClosedEnvironmentError extends ConfigError {
  override readonly name: string = 'ClosedEnvironmentError';
}

/** A space of the caller's own class where only the known ones can be handled. */
export class CustomSpaceError extends ConfigError {
  override readonly name: string = 'CustomSpaceError';
}
