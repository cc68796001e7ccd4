/** How often each law is tried: 100, or as often as TESSERA_LAW_RUNS says. */
export const runs: { readonly numRuns: number } = { numRuns: Number(process.env['TESSERA_LAW_RUNS'] ?? 100) };
