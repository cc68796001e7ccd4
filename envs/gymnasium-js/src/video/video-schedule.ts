// Which episodes to film (gymnasium/utils/save_video.py).

/** True for the episodes 0, 1, 8, 27, ..., 729, 1000, 2000, 3000, ... */
export function cappedCubicVideoSchedule(episodeId: number): boolean {
  return episodeId < 1000 ? Math.round(Math.cbrt(episodeId)) ** 3 === episodeId : episodeId % 1000 === 0;
}
