// Shapes that several pictures of this package share.

/** Corners of the rectangle from (left, bottom) to (right, top), turned by `angle` radians and moved to (x, y). */
export function turnedRectangle(
  box: { left: number; bottom: number; right: number; top: number },
  angle: number,
  x: number,
  y: number,
): number[] {
  const { left, bottom, right, top } = box;
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  const corners = [left, bottom, left, top, right, top, right, bottom];
  for (let i = 0; i < 8; i += 2) {
    const [cornerX, cornerY] = [corners[i]!, corners[i + 1]!];
    corners[i] = cornerX * cosine - cornerY * sine + x;
    corners[i + 1] = cornerX * sine + cornerY * cosine + y;
  }
  return corners;
}
