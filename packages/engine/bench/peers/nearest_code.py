"""The nearest codes of many vectors in PyTorch: the peer of the engine's nearestCode.

Arrays (.npy, float32): z [N, D], codebook [K, D]. Not centred as ours is: these numbers are small, and it saves a pass over the vectors.
"""

import torch

import peer


def main():
    arguments = peer.parser(__doc__)
    arguments.add_argument("--rows", type=int, default=1024, help="vectors in a block, 0: all at once")
    arguments.add_argument("--reduce", choices=["argmin", "min", "argmax", "max"], default="argmin")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    arrays = peer.load(options.folder)
    z, codebook = arrays["z"], arrays["codebook"]
    rows = options.rows or len(z)
    sign = -1 if options.reduce.endswith("min") else 1

    def reduce(scores):
        if options.reduce.startswith("arg"):
            return getattr(scores, options.reduce)(1)
        return getattr(scores, options.reduce)(1).indices

    def codes():
        # |z - e|^2 / 2 without |z|^2 / 2, or its negative
        half = codebook.square().sum(1) / 2 * -sign
        parts = [reduce(torch.addmm(half, part, codebook.t(), alpha=sign)) for part in z.split(rows)]
        return {"codes": torch.cat(parts).int()}

    name = peer.describe(options, f"addmm and {options.reduce} in blocks of {rows} rows")
    peer.serve(name, options, peer.Inference(codes, options))


if __name__ == "__main__":
    main()
