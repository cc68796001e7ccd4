// The rules of Catch, and its frames.
import { fc, test } from '@fast-check/vitest';
import { Catch } from '@tessera/env-arcade';
import { expect } from 'vitest';

const actions = fc.array(fc.nat({ max: 2 }), { minLength: 9, maxLength: 12 });

test.prop([fc.nat(), actions])('an episode is the fall of a ball over a paddle that moves', (seed, actions) => {
  const env = new Catch();
  const column = ballColumnOf(env.reset({ seed }).observation);
  let paddle = 2;
  for (const [i, action] of actions.entries()) {
    const { observation, reward, terminated, truncated, info } = env.step(action);
    const isOver = i >= 8;
    if (i <= 8) paddle = Math.min(4, Math.max(0, paddle + action - 1));
    expect(Buffer.compare(observation, picture({ row: Math.min(i + 1, 9), column, paddle }))).toBe(0);
    expect({ reward, terminated, truncated, info }).toEqual({
      reward: i === 8 ? (paddle === column ? 1 : -1) : 0,
      terminated: isOver,
      truncated: false,
      info: {},
    });
  }
});

test('the ball starts in each column equally often, the paddle in the middle', () => {
  const env = new Catch();
  env.reset({ seed: 0 });
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 2000; i++) {
    env.step(0);
    const { observation } = env.reset();
    const column = ballColumnOf(observation);
    counts[column]! += 1;
    expect(Buffer.compare(observation, picture({ row: 0, column, paddle: 2 }))).toBe(0);
  }
  for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(5 * Math.sqrt(320));
});

// Pixel by pixel from the description: cells 4 high and 8 wide, colours that add up.
function picture({ row, column, paddle }: { row: number; column: number; paddle: number }): Uint8Array {
  const frame = new Uint8Array(40 * 40 * 3);
  for (let y = 0; y < 40; y++) {
    for (let x = 0; x < 40; x++) {
      const [atRow, atColumn] = [Math.floor(y / 4), Math.floor(x / 8)];
      const isBall = Number(atRow === row && atColumn === column);
      const isPaddle = Number(atRow === 9 && atColumn === paddle);
      frame.set(
        [190 * isBall + 60 * isPaddle, 40 * isBall + 200 * isPaddle, 40 * isBall + 60 * isPaddle],
        (y * 40 + x) * 3,
      );
    }
  }
  return frame;
}

function ballColumnOf(frame: Uint8Array): number {
  for (let column = 0; column < 5; column++) if (frame[column * 8 * 3] === 190) return column;
  throw new Error('no ball in row 0');
}
