// A cart and its pole, 20 milliseconds at a time (gymnasium/envs/classic_control/cartpole.py): what one environment and many have in common.
import { Box } from 'gymnasium-js';
import { cos, sin } from './exact-trig.ts';

const gravity = 9.8;
const massPole = 0.1;
const totalMass = massPole + 1.0;
/** Half of the pole's length. */
const length = 0.5;
const poleMassLength = massPole * length;
const forceMagnitude = 10.0;
/** Seconds between states. */
const tau = 0.02;
const thetaThreshold = (12 * 2 * Math.PI) / 360;
const xThreshold = 2.4;

/** The space of one observation; its bounds are twice those at which an episode ends. */
export function cartPoleObservations(): Box {
  const bounds = [xThreshold * 2, Infinity, thetaThreshold * 2, Infinity];
  return new Box({ low: bounds.map((bound) => -bound), high: bounds });
}

/**
 * Moves the four numbers from index `at` on (position, velocity, angle, angular velocity) to the next state, pushed to the right by action 1, else to the left.
 * Returns whether that state ends the episode.
 */
export function moveCartPole(states: Float64Array, at: number, action: number): boolean {
  const xDot = states[at + 1]!;
  const oldTheta = states[at + 2]!;
  const thetaDot = states[at + 3]!;
  const force = action === 1 ? forceMagnitude : -forceMagnitude;
  const cosTheta = cos(oldTheta);
  const sinTheta = sin(oldTheta);
  // The order of the operations is Gymnasium's: any other rounds differently.
  const temp = (force + poleMassLength * (thetaDot * thetaDot) * sinTheta) / totalMass;
  const thetaAcceleration =
    (gravity * sinTheta - cosTheta * temp) / (length * (4.0 / 3.0 - (massPole * (cosTheta * cosTheta)) / totalMass));
  const xAcceleration = temp - (poleMassLength * thetaAcceleration * cosTheta) / totalMass;
  const x = states[at]! + tau * xDot;
  const theta = oldTheta + tau * thetaDot;
  states[at] = x;
  states[at + 1] = xDot + tau * xAcceleration;
  states[at + 2] = theta;
  states[at + 3] = thetaDot + tau * thetaAcceleration;
  return x < -xThreshold || x > xThreshold || theta < -thetaThreshold || theta > thetaThreshold;
}
