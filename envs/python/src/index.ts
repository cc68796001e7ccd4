// The front door of @tessera/env-python: importing it lets `makeVec` load `python:` ids. Needs Node; child processes cannot be had in a browser.
import { registerLoader } from 'gymnasium-js';
import { PythonVectorEnv } from './python-vector-env.ts';

registerLoader('python', (id, options) => PythonVectorEnv.create(id, options));

export { PythonVectorEnv };
export type { PythonFrame } from './python-vector-env.ts';
export type { Preprocessing, PythonVecOptions } from './options.ts';
export { PythonException } from './remote-error.ts';
