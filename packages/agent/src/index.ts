// The front door of @tessera/agent, safe for browsers. Saving and loading are behind `@tessera/agent/node`.

// Agents
export { Agent } from './agent.ts';
export type { AgentConfig, AgentOptions, Decision } from './agent.ts';
export type { AgentPlayer, GeneratorsOf, PlayerOptions, PlayOf } from './agent-player.ts';
export type { RowGenerators } from './row-generators.ts';
export { codeFeatures, tokensOf } from './preprocess.ts';

// Dreams as environments
export { DreamVectorEnv } from './dream-vector-env.ts';
export type { DreamEnvOptions, Dreamer } from './dream-vector-env.ts';

// Settings with a name
export { agentPresets } from './presets.ts';
export type { AgentPreset, AgentPresetOptions } from './presets.ts';

// World model
export { StickyActions } from './world-model/sticky-actions.ts';
export type { ExecutedSteps, StickyCounts } from './world-model/sticky-actions.ts';
export { WorldModel } from './world-model/world-model.ts';
export type {
  Imagined,
  PredictOptions,
  Transitions,
  WorldModelCreateOptions,
  WorldModelMetrics,
} from './world-model/world-model.ts';
export { balancedKl, EndToEnd } from './world-model/end-to-end.ts';
export type { BalancedKl, EndToEndConfig, EndToEndMetrics, EndToEndParts, Pictures } from './world-model/end-to-end.ts';
export { worldModelSchema } from './world-model/config.ts';
export type { RewardKind, WorldModelConfig, WorldModelKind, WorldModelOptions } from './world-model/config.ts';
export { initWorldModel, predictNext } from './world-model/model.ts';
export type { Prediction, Seen, WorldModelParameters, WorldModelSpec } from './world-model/model.ts';
export { causalPass, initCausalWorldModel } from './world-model/causal.ts';
export type { CausalParameters, CausalPrediction } from './world-model/causal.ts';
export { symexp, symlog } from './world-model/rewards.ts';
export type { Starts } from './world-model/windows.ts';
export { measureAccuracy } from './world-model/accuracy.ts';
export type { Accuracy } from './world-model/accuracy.ts';

// Behaviour
export { Behaviour } from './behaviour/behaviour.ts';
export type { ActOptions, BehaviourCreateOptions, Experience, LearnOptions } from './behaviour/behaviour.ts';
export type { BehaviourMetrics, PolicySteps } from './behaviour/policy-epochs.ts';
export { behaviourSchema } from './behaviour/config.ts';
export type {
  BehaviourConfig,
  BehaviourOptions,
  PolicyInput,
  PolicyObjective,
  ReturnNormalisation,
  SlowCriticConfig,
} from './behaviour/config.ts';
export { chooseActions } from './behaviour/choose-actions.ts';
export type { Choices } from './behaviour/choose-actions.ts';
export { lambdaReturns } from './behaviour/lambda-returns.ts';
export type { ReturnOptions, Stretch } from './behaviour/lambda-returns.ts';
export { initBehaviour, judge } from './behaviour/networks.ts';
export type { BehaviourParameters, BehaviourSpec, Judgement, Looked } from './behaviour/networks.ts';
export { initRecurrentActorCritic, recurrentActorCritic } from './behaviour/recurrent-networks.ts';
export type {
  RecurrentActorCritic,
  RecurrentActorCriticSizes,
  RecurrentJudgement,
} from './behaviour/recurrent-networks.ts';
export { policyLoss } from './behaviour/policy-loss.ts';
export type { PolicyLossConfig, PolicyLosses, PolicyRows } from './behaviour/policy-loss.ts';

// Training
export { AgentTrainer } from './training/trainer.ts';
export type { LookAtDreams } from './training/round-diagnostics.ts';
export type { AgentTrainerOptions, PhaseTotals, TrainerEvent, TrainerState } from './training/trainer.ts';
export type { TrainerCounters } from './training/counters.ts';
export { trainingSchema } from './training/config.ts';
export type {
  CollectionMode,
  ImaginationConfig,
  SamplingConfig,
  TokenizerTraining,
  TrainingConfig,
  TrainingMode,
  TrainingOptions,
} from './training/config.ts';
export { plannedItems, plannedTokenizerUpdates, planRound } from './training/plan.ts';
export type { RoundPosition, WorkKind } from './training/plan.ts';
export { playRound } from './training/play-round.ts';
export type { PlayedRound, RoundCollector, RoundOrder, RoundPlayer } from './training/play-round.ts';
export { imagine } from './training/imagine.ts';
export type { Imagination, ImagineOptions } from './training/imagine.ts';
export { TokenMemory } from './training/token-memory.ts';
export type { TokenMemoryOptions } from './training/token-memory.ts';

// Without a model
export { Ppo, ppoSchema } from './model-free/ppo.ts';
export type { ModelFreeOptions, PpoConfig, PpoOptions } from './model-free/ppo.ts';
export { Dqn, dqnSchema } from './model-free/dqn.ts';
export type { DqnBatch, DqnConfig, DqnMetrics, DqnOptions } from './model-free/dqn.ts';
export { doubleTargets } from './model-free/double-targets.ts';
export type { DoubleSteps } from './model-free/double-targets.ts';
export { dqnLearner, ModelFreeTrainer, ppoLearner } from './model-free/trainer.ts';
export type { LearnerPlace, ModelFreeLearner, ModelFreeState, ModelFreeTrainerOptions } from './model-free/trainer.ts';
export type { ConvolutionConfig, FrameNetworkConfig } from './model-free/frame-network.ts';

// Evaluation
export { evaluatePolicy } from './evaluation/evaluate.ts';
export type { EvaluateOptions, Evaluation } from './evaluation/evaluate.ts';
export { bootstrapInterval, interquartileMean, quantile } from './evaluation/seed-statistics.ts';
export type { BootstrapOptions, Strata } from './evaluation/seed-statistics.ts';
export { agentPolicy, framePolicy, modelFreePolicy, randomPolicy } from './evaluation/policies.ts';
export { measureHeldOut } from './evaluation/held-out.ts';
export type { HeldOut, HeldOutDreams, HeldOutOptions } from './evaluation/held-out.ts';
export { measureDreams } from './evaluation/dreams.ts';
export type { DreamOptions, Dreams } from './evaluation/dreams.ts';
export type { OpenLoop } from './evaluation/open-loop.ts';
export type { DeltaPsnr } from './evaluation/delta-psnr.ts';
export type { StepWindows } from './evaluation/windows-of-steps.ts';
export { dreamEpisode, playEpisode } from './evaluation/episode.ts';
export type { Dream, Episode, PlayOptions } from './evaluation/episode.ts';
