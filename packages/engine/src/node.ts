// What @tessera/engine has for Node alone: TensorFlow.
export { createEngine } from './create-node-engine.ts';
