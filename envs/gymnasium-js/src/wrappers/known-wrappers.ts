// The wrappers of this package by name, so that a spec from JSON can have them.
import { Autoreset } from './autoreset.ts';
import { ClipAction } from './clip-action.ts';
import { ClipReward } from './clip-reward.ts';
import { GrayscaleObservation } from './grayscale-observation.ts';
import { MaxAndSkipObservation } from './max-and-skip-observation.ts';
import { NormalizeObservation } from './normalize-observation.ts';
import { NormalizeReward } from './normalize-reward.ts';
import { RecordEpisodeStatistics } from './record-episode-statistics.ts';
import { RenderCollection } from './render-collection.ts';
import { RepeatAction } from './repeat-action.ts';
import { RescaleAction } from './rescale-action.ts';
import { RescaleObservation } from './rescale-observation.ts';
import { ReshapeObservation } from './reshape-observation.ts';
import { ResizeObservation } from './resize-observation.ts';
import { StickyAction } from './sticky-action.ts';
import { AddRenderObservation } from './add-render-observation.ts';
import { DtypeObservation } from './dtype-observation.ts';
import { FilterObservation } from './filter-observation.ts';
import { FlattenObservation } from './flatten-observation.ts';
import { FrameStackObservation } from './frame-stack-observation.ts';
import { TimeAwareObservation } from './time-aware-observation.ts';
import { registerWrapper } from './wrapper-spec.ts';

/** Makes them known; `make` does so. A wrapper that takes a function is not among them: no JSON can hold its arguments. */
export function registerKnownWrappers(): void {
  for (const [name, Class] of Object.entries({
    Autoreset,
    ClipAction,
    ClipReward,
    GrayscaleObservation,
    MaxAndSkipObservation,
    NormalizeObservation,
    NormalizeReward,
    RecordEpisodeStatistics,
    RenderCollection,
    RepeatAction,
    RescaleAction,
    RescaleObservation,
    ReshapeObservation,
    ResizeObservation,
    StickyAction,
    TimeAwareObservation,
    FrameStackObservation,
    FlattenObservation,
    FilterObservation,
    DtypeObservation,
    AddRenderObservation,
  })) {
    registerWrapper(Class, name);
  }
}
