// Types of registered environments by id, so that `make('Catch-v0')` knows what it returns.
import type { Env } from './env.ts';
import type { TypedArray } from './types.ts';

/**
 * The environment behind each id. Empty here; packages add theirs:
 *
 * `declare module 'gymnasium-js' { interface EnvRegistry { 'Catch-v0': Env<Uint8Array, number> } }`
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- made to be merged with.
export interface EnvRegistry {}

/** The ids whose types are known. */
export type KnownEnvId = Extract<keyof EnvRegistry, string>;

/** The type of environment that `make(id)` returns. */
export type EnvOf<Id extends KnownEnvId> = EnvRegistry[Id] extends Env<infer Obs, infer Act> ? Env<Obs, Act> : never;

/** The type of an environment's observations. */
export type ObservationOf<E> = E extends Env<infer Obs, infer _Act> ? Obs : TypedArray;

/** The type of an environment's actions. */
export type ActionOf<E> = E extends Env<infer _Obs, infer Act> ? Act : number;
