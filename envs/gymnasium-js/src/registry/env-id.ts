// Ids of environments, `[namespace/]name[-vN]` (the regular expression of gymnasium/envs/registration.py).
import { ConfigError } from '@tessera/core';

const pattern = /^(?:(?<namespace>[\w:-]+)\/)?(?<name>[\w:.-]+?)(?:-v(?<version>\d+))?$/;

/** The parts of an id. */
export interface EnvId {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly version: number | undefined;
}

/** Takes an id apart; throws ConfigError when it is malformed. */
export function parseEnvId(id: string): EnvId {
  const groups = typeof id === 'string' ? pattern.exec(id)?.groups : undefined;
  if (groups === undefined) {
    const form = 'Currently all IDs must be of the form [namespace/](env-name)-v(version). (namespace is optional)';
    throw new ConfigError(`Malformed environment ID: ${String(id)}. (${form})`);
  }
  const { namespace, name, version } = groups;
  return { namespace, name: name!, version: version === undefined ? undefined : Number(version) };
}

/** Puts an id together again. */
export function getEnvId({ namespace, name, version }: EnvId): string {
  return `${namespace === undefined ? '' : `${namespace}/`}${name}${version === undefined ? '' : `-v${version}`}`;
}
