// What the actions of an environment are called, in films and for people who play.
import { arcadeActions } from '@tessera/env-arcade';

const known: readonly { readonly ids: RegExp; readonly names: readonly string[] }[] = [
  { ids: /^Catch-v/, names: ['left', 'stay', 'right'] },
  { ids: /^(?:Breakout|SpaceInvaders|Asterix|Freeway|Seaquest)-v/, names: arcadeActions },
  { ids: /^CartPole-v/, names: ['left', 'right'] },
];

/** The names of `count` actions that are numbered from `first`; their numbers where they have no names that we know. */
export function actionNames(
  id: string,
  { count, first }: { readonly count: number; readonly first: number },
): readonly string[] {
  const names = known.find(({ ids }) => ids.test(id))?.names;
  return Array.from({ length: count }, (_, i) =>
    first === 0 && names?.length === count ? names[i]! : String(first + i),
  );
}
