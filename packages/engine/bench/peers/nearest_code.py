"""The nearest codes of many vectors in PyTorch: the peer of the engine's nearestCode.

Arrays (.npy, float32): z [N, D], codebook [K, D]. Not centred as ours is: these numbers are small, and it saves a pass over the vectors.
"""

import torch
import torch.nn.functional as F

import peer


def main():
    arguments = peer.parser(__doc__)
    arguments.add_argument("--rows", type=int, default=1024, help="vectors in a block, 0: all at once")
    arguments.add_argument("--reduce", choices=["argmax", "max"], default="max", help="how the best code is found")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    arrays = peer.load(options.folder)
    z, codebook = arrays["z"], arrays["codebook"]
    rows = options.rows or len(z)

    def reduce(scores):
        return scores.argmax(1) if options.reduce == "argmax" else scores.max(1).indices

    def codes():
        half = codebook.square().sum(1) / -2  # z.e - |e|^2 / 2 is largest where |z - e|^2 is least
        parts = [reduce(F.linear(part, codebook, half)) for part in z.split(rows)]
        return {"codes": torch.cat(parts).int()}

    name = peer.describe(options, f"linear and {options.reduce} in blocks of {rows} rows")
    peer.serve(name, options, peer.Inference(codes, options))


if __name__ == "__main__":
    main()
