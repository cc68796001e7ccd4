// The part of @tessera/agent that needs Node: agents in files.
export { loadAgent, saveAgent } from './files.ts';
export type { LoadOptions } from './files.ts';
