// Where mutants live and what kills them, by short names.

const vqvae = 'packages/vqvae/src';

/** A file of quantizers. */
export const quantizers = (name: string): string => `${vqvae}/quantizers/${name}.ts`;

/** A file beside them. */
export const source = (name: string): string => `${vqvae}/${name}.ts`;

/** A file of laws. */
export const law = (name: string): string => `test/src/laws/quantizers/${name}.test.ts`;

/** A test file of the package. */
export const test = (name: string): string => `packages/vqvae/tests/${name}.test.ts`;

/** A file of the agent. */
export const agent = (name: string): string => `packages/agent/src/${name}.ts`;

/** A test file of the agent. */
export const agentTest = (name: string): string => `packages/agent/tests/${name}.test.ts`;
