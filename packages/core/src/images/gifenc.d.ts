// The part of gifenc 1.0.3 that is used here; the package has no types. What `import` finds depends on the loader: Node sees a CommonJS module,
// whose functions are properties of `default` as declared here; bundlers see an ES module, whose functions are named exports.
declare module 'gifenc' {
  export type Palette = number[][];

  export interface GifStream {
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { palette?: Palette; delay: number; repeat: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  }

  export interface Gifenc {
    GIFEncoder(): GifStream;
    quantize(rgba: Uint8Array, maxColours: number): Palette;
    applyPalette(rgba: Uint8Array, palette: Palette): Uint8Array;
  }

  const gifenc: Gifenc;
  export default gifenc;
}
