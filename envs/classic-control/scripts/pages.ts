// Writes docs/*.md and docs/*.png: node --import tsx --conditions @tessera/source envs/classic-control/scripts/pages.ts
import { random, writePage } from '../../gymnasium-js/scripts/environment-pages.ts';
import type { MeasuredPolicy, Page } from '../../gymnasium-js/scripts/environment-pages.ts';
import '@tessera/env-classic-control';
import { setWarningHandler } from 'gymnasium-js';

const always = (name: string, action: number | Float32Array): MeasuredPolicy => ({ name, act: () => action });
const torque = (x: number): Float32Array => Float32Array.of(Math.min(2, Math.max(-2, x)));
const times = (count: number, action: unknown): unknown[] => Array.from({ length: count }, () => action);

const balance = ([x, xDot, theta, thetaDot]: number[]): number =>
  Number(theta! + 0.3 * thetaDot! + 0.05 * x! + 0.1 * xDot! > 0);
const pump = ([, velocity]: number[]): number => (velocity! >= 0 ? 2 : 0);
const push = ([, velocity]: number[]): Float32Array => Float32Array.of(velocity! >= 0 ? 1 : -1);
// Up to the energy of standing upright, then held there.
function swingUp([cosine, sine, velocity]: number[]): Float32Array {
  const theta = Math.atan2(sine!, cosine!);
  if (Math.abs(theta) < 0.5) return torque(-12 * theta - 3 * velocity!);
  const energy = (velocity! * velocity!) / 2 + 15 * cosine!;
  return torque(Math.sign(velocity! || 1) * (energy < 15 ? 2 : -2));
}
const swing = (o: number[]): number => (o[4]! < 0 ? 2 : 0);

const pages: Page[] = [
  {
    file: 'cart-pole',
    title: 'CartPole',
    source: 'src/cart-pole.ts',
    ids: ['CartPole-v1', 'CartPole-v0'],
    picture: { id: 'CartPole-v1', size: [160, 240], seed: 7, actions: [1, 1, 1, 0, 1, 1] },
    policies: [
      random,
      always('no-op: always left', 0),
      { name: 'push where the pole falls: `theta + 0.3 thetaDot + 0.05 x + 0.1 xDot > 0`', act: balance },
    ],
    episodes: 500,
    notes: 'There is no action that does nothing.',
  },
  {
    file: 'mountain-car',
    title: 'MountainCar',
    source: 'src/mountain-car.ts',
    ids: ['MountainCar-v0'],
    picture: { id: 'MountainCar-v0', size: [160, 240], seed: 0, actions: [...times(20, 0), ...times(12, 2)] },
    policies: [random, always('no-op', 1), { name: 'accelerate the way it rolls', act: pump }],
    episodes: 500,
  },
  {
    file: 'mountain-car-continuous',
    title: 'MountainCarContinuous',
    source: 'src/continuous-mountain-car.ts',
    ids: ['MountainCarContinuous-v0'],
    picture: {
      id: 'MountainCarContinuous-v0',
      size: [160, 240],
      seed: 0,
      actions: [...times(25, Float32Array.of(-1)), ...times(25, Float32Array.of(1))],
    },
    policies: [random, always('no-op', Float32Array.of(0)), { name: 'full force the way it rolls', act: push }],
    episodes: 200,
  },
  {
    file: 'pendulum',
    title: 'Pendulum',
    source: 'src/pendulum.ts',
    ids: ['Pendulum-v1'],
    picture: { id: 'Pendulum-v1', size: 160, seed: 3, actions: times(9, Float32Array.of(1.6)) },
    policies: [random, always('no-op', Float32Array.of(0)), { name: 'swing up by energy, then hold', act: swingUp }],
    episodes: 500,
  },
  {
    file: 'acrobot',
    title: 'Acrobot',
    source: 'src/acrobot.ts',
    ids: ['Acrobot-v1'],
    picture: { id: 'Acrobot-v1', size: 160, seed: 0, actions: [...times(6, 0), ...times(6, 2), ...times(6, 0)] },
    policies: [random, always('no-op', 1), { name: 'torque against the motion of the first link', act: swing }],
    episodes: 200,
  },
];

setWarningHandler(() => {});
for (const page of pages) console.log(writePage(new URL('../', import.meta.url), page).join('\n'));
