// Random numbers by counting: Philox 4x32-10 (Salmon et al. 2011), in the order of TensorFlow's stateless generator.

/** y[i] uniform in [0, 1), i of [0, n), out of a key of two 32-bit words and the number of a stream. */
export function uniform(key: usize, y: usize, n: i32, stream: i32): void {
  const low = load<u32>(key);
  const high = load<u32>(key, 4);
  for (let i = 0; i < n; i += 4) {
    let a: u32 = <u32>(i >> 2);
    let b: u32 = 0;
    let c: u32 = <u32>stream;
    let d: u32 = 0;
    let k0 = low;
    let k1 = high;
    for (let round = 0; round < 10; round++) {
      const left: u64 = <u64>0xd2511f53 * <u64>a;
      const right: u64 = <u64>0xcd9e8d57 * <u64>c;
      a = (<u32>(right >> 32)) ^ b ^ k0;
      b = <u32>right;
      c = (<u32>(left >> 32)) ^ d ^ k1;
      d = <u32>left;
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    const to = y + ((<usize>i) << 2);
    const rest = n - i;
    store<f32>(to, number(a));
    if (rest > 1) store<f32>(to, number(b), 4);
    if (rest > 2) store<f32>(to, number(c), 8);
    if (rest > 3) store<f32>(to, number(d), 12);
  }
}

/** The low 23 bits as a fraction. */
function number(word: u32): f32 {
  return <f32>(word & 0x7fffff) * 1.1920928955078125e-7;
}
