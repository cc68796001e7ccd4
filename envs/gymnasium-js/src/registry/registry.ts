// The table of environments and the way from an id to its entry, with Gymnasium's hints for ids that lead nowhere
// (gymnasium/envs/registration.py).
import { ConfigError } from '@tessera/core';
import {
  DeprecatedEnv,
  NameNotFound,
  NamespaceNotFound,
  RegistrationError,
  UnregisteredEnv,
  VersionNotFound,
} from '../errors.ts';
import { deprecation, warn } from '../logger.ts';
import { EnvSpec } from '../spec.ts';
import type { EnvSpecOptions } from '../spec.ts';
import { closestMatch } from './close-matches.ts';
import { getEnvId, parseEnvId } from './env-id.ts';
import type { EnvId } from './env-id.ts';

const specs = new Map<string, EnvSpec>();

/** All registered environments by id. */
export const registry: ReadonlyMap<string, EnvSpec> = specs;

let currentNamespace: string | undefined;

/** Puts what `registerAll` registers into a namespace, whatever its ids say (Gymnasium's `with namespace(name):`). */
export function inNamespace(name: string, registerAll: () => void): void {
  const before = currentNamespace;
  currentNamespace = name;
  try {
    registerAll();
  } finally {
    currentNamespace = before;
  }
}

const idInNamespace = (id: string): string => getEnvId({ ...parseEnvId(id), namespace: currentNamespace });

/** Does nothing: an import that is used for its side effect alone keeps its place (`registerEnvs(arcade)` after `import * as arcade`). */
export function registerEnvs(_module: unknown): void {}

/**
 * Makes an environment known to `make` and `makeVec`.
 *
 * Throws RegistrationError when a versioned environment of the name stands against an unversioned one, ConfigError for bad options.
 * An id that is already registered is replaced, with a warning.
 */
export function register(options: EnvSpecOptions): void {
  const added = new EnvSpec(currentNamespace === undefined ? options : { ...options, id: idInNamespace(options.id) });
  if (added.entryPoint === undefined && added.vectorEntryPoint === undefined) {
    throw new ConfigError(`register: ${added.id}: expected a function (kwargs) => Env as entryPoint, got undefined.`);
  }
  checkNoVersionMix(added);
  if (specs.has(added.id)) warn(`Overriding environment ${added.id} already in registry.`);
  specs.set(added.id, added);
}

/** The entry of exactly this id. Throws the hints of `make` when there is none. */
export function spec(id: string): EnvSpec {
  const found = specs.get(id);
  if (found !== undefined) return found;
  throw notFound(id, parseEnvId(id));
}

/** The entry that `make` takes for this id: without a version the newest one, with a warning, as for versions that are out of date. */
export function findSpec(id: string): EnvSpec {
  const parsed = parseEnvId(id);
  const latest = latestVersion(parsed);
  if (parsed.version !== undefined && latest !== undefined && latest > parsed.version && specs.has(id)) {
    deprecation(`The environment ${id} is out of date. You should consider upgrading to version \`v${latest}\`.`);
  }
  if (parsed.version !== undefined || latest === undefined) return spec(id);
  const latestId = getEnvId({ ...parsed, version: latest });
  warn(`Using the latest versioned environment \`${latestId}\` instead of the unversioned environment \`${id}\`.`);
  return spec(latestId);
}

const relatives = ({ namespace, name }: EnvId): EnvSpec[] =>
  [...specs.values()].filter((known) => known.namespace === namespace && known.name === name);

function latestVersion(id: EnvId): number | undefined {
  const versions = relatives(id).flatMap(({ version }) => (version === undefined ? [] : [version]));
  return versions.length === 0 ? undefined : Math.max(...versions);
}

function checkNoVersionMix(added: EnvSpec): void {
  const unversioned = relatives(added).find(({ version }) => version === undefined);
  const latest = latestVersion(added);
  if (unversioned !== undefined && added.version !== undefined) {
    throw new RegistrationError(
      `Can't register the versioned environment \`${added.id}\` when the unversioned environment ` +
        `\`${unversioned.id}\` of the same name already exists.`,
    );
  }
  if (latest !== undefined && added.version === undefined) {
    throw new RegistrationError(
      `Can't register the unversioned environment \`${added.id}\` when the versioned environment ` +
        `\`${getEnvId({ namespace: added.namespace, name: added.name, version: latest })}\` of the same name already exists. Note: the default behavior is ` +
        'that `make` with the unversioned environment will return the latest versioned environment.',
    );
  }
}

function notFound(id: string, parsed: EnvId): Error {
  const { namespace, name, version } = parsed;
  const all = [...specs.values()];
  if (namespace !== undefined && all.every((known) => known.namespace !== namespace)) {
    const namespaces = new Set(all.flatMap((known) => (known.namespace === undefined ? [] : [known.namespace])));
    const close = closestMatch(namespace, namespaces);
    const hint =
      close === undefined ? `Have you installed the proper package for ${namespace}?` : `Did you mean: \`${close}\`?`;
    return new NamespaceNotFound(`Namespace ${namespace} not found. ${hint}`);
  }
  const known = relatives(parsed);
  if (known.length === 0) {
    const names = new Set(all.filter((other) => other.namespace === namespace).map((other) => other.name));
    const place = namespace === undefined ? '' : ` in namespace ${namespace}`;
    return new NameNotFound(`Environment \`${name}\` doesn't exist${place}.${nameHint(name, names)}`);
  }
  return version === undefined
    ? new UnregisteredEnv(`No registered env with id: ${id}.`)
    : versionNotFound(parsed, version);
}

function nameHint(name: string, names: ReadonlySet<string>): string {
  const close = closestMatch(name, names);
  if (close !== undefined) return ` Did you mean: \`${close}\`?`;
  return ' Did you register it, or import the package that registers it?';
}

function versionNotFound(parsed: EnvId, version: number): Error {
  const unversionedId = getEnvId({ ...parsed, version: undefined });
  const family = relatives(parsed).toSorted((a, b) => (a.version ?? -1) - (b.version ?? -1));
  let message = `Environment version \`v${version}\` for environment \`${unversionedId}\` doesn't exist.`;
  const byDefault = family.find((known) => known.version === undefined);
  if (byDefault !== undefined)
    return new DeprecatedEnv(`${message} It provides the default version \`${byDefault.id}\`.`);
  const latest = family.at(-1)!;
  if (version > latest.version!) {
    const versions = family.map((known) => `\`v${known.version}\``).join(', ');
    message += ` It provides versioned environments: [ ${versions} ].`;
    return new VersionNotFound(message);
  }
  return new DeprecatedEnv(
    `Environment version v${version} for \`${unversionedId}\` is deprecated. Please use \`${latest.id}\` instead.`,
  );
}
