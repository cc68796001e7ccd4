// The front door of @tessera/runs. It runs in Node alone, because a run is a folder.

// Run folders
export { listRuns } from './list-runs.ts';
export type { RunSummary } from './list-runs.ts';
export { RunFolder } from './run-folder.ts';
export type { RunFolderOptions } from './run-folder.ts';
export type { Checkpoint, CheckpointEntry } from './checkpoints.ts';
export type { MetricsRecord } from './metrics-log.ts';

// What the files hold
export {
  backendNames,
  checkpointSchema,
  formatVersion,
  metricsLineSchema,
  resultSchema,
  runConfigSchema,
} from './schemas.ts';
export type {
  BackendName,
  BaselineResult,
  CheckpointInfo,
  EvaluationResult,
  MetricsLine,
  PhaseResult,
  RunConfig,
  RunResult,
  TokenizerResult,
  WorldModelResult,
} from './schemas.ts';
export { markNonFinite } from './non-finite.ts';
export type { NonFiniteName } from './non-finite.ts';

// Settings
export { describeSchema, schemaDefaults } from './schema-help.ts';
export type { SettingRow } from './schema-help.ts';
export { mergeLayers, parseSetting, shortText } from './config-layers.ts';
export type { ConfigLayer, MergedLayers } from './config-layers.ts';
export { parseConfig, resolveConfig } from './parse-config.ts';
export type { ConfigSource } from './parse-config.ts';

// Pictures
export { framesToPictures, grid, stackRows, upscale } from './pictures.ts';
export type { Colour, GapOptions, Picture } from './pictures.ts';
export { pixelText, textSize } from './pixel-text.ts';
export { codeColours, renderCodes } from './code-pictures.ts';

// TensorBoard
export { encodeFileVersion, encodeRestart, encodeSummaries } from './event-encoding.ts';
export type { EventImage, EventSummary } from './event-encoding.ts';
