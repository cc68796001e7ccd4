"""Golden data from lucidrains/vector-quantize-pytorch: python make.py writes peer.json beside it. Needs vector-quantize-pytorch 1.32.0 and torch 2.

FSQ: codes and indices of vectors, and the codes of all indices. LFQ and its spherical form: codes, indices and both entropies. Residual VQ: what its
codebooks make of vectors, with the vectors' codes by index.
"""

import json
import math
import pathlib

import torch
from vector_quantize_pytorch import FSQ, LFQ, ResidualVQ

torch.manual_seed(0)


def numbers(tensor):
    return [float(x) for x in tensor.flatten().tolist()]


def fsq(levels):
    model = FSQ(levels)
    # Two vectors of ordinary size, then large ones that saturate.
    z = torch.randn(1, 24, len(levels)) * torch.tensor([0.5, 2.0, 8.0]).repeat(8)[None, :, None]
    with torch.no_grad():
        codes, indices = model(z)
    return {
        "levels": levels,
        "z": numbers(z),
        "codes": numbers(codes),
        "tokens": indices.flatten().tolist(),
        "table": numbers(model.implicit_codebook),
    }


def lfq(bits, spherical, inverse_temperature):
    model = LFQ(
        dim=bits,
        codebook_size=2**bits,
        spherical=spherical,
        entropy_loss_weight=1.0,
        commitment_loss_weight=1.0,
    ).train()
    z = torch.randn(1, 16, bits)
    z[0, 0, 0] = 0.0
    z[0, 1, -1] = -0.0
    result, breakdown = model(z, inv_temperature=inverse_temperature, return_loss_breakdown=True)
    model.eval()
    return {
        "bits": bits,
        "spherical": spherical,
        "temperature": 1 / inverse_temperature,
        "z": numbers(z),
        "codes": numbers(model(z).quantized),
        "tokens": result.indices.flatten().tolist(),
        "perVector": float(breakdown.per_sample_entropy),
        "ofMean": float(breakdown.batch_entropy),
        "commitment": float(breakdown.commitment),
    }


def residual(stages, codes, width):
    model = ResidualVQ(dim=width, codebook_size=codes, num_quantizers=stages, decay=0.99).eval()
    z = torch.randn(1, 32, width)
    with torch.no_grad():
        quantized, indices, _ = model(z)
    return {
        "stages": stages,
        "codebooks": numbers(model.codebooks),
        "vocabulary": codes,
        "codeDim": width,
        "z": numbers(z),
        "codes": numbers(quantized),
        "tokens": indices.flatten().tolist(),
    }


data = {
    "fsq": [fsq(levels) for levels in ([3], [4, 3], [8, 6, 5], [5, 9, 7], [8, 5, 5, 5])],
    # The package counts probabilities below 1e-5 as 1e-5 inside of logarithms, so temperatures that leave few of them.
    "lfq": [lfq(2, False, 0.5), lfq(4, False, 0.25), lfq(6, False, 0.125), lfq(4, True, 1.0), lfq(6, True, 0.5)],
    "residual": [residual(3, 8, 4), residual(4, 16, 2)],
}
path = pathlib.Path(__file__).with_name("peer.json")
path.write_text(json.dumps(data) + "\n")
print(path, path.stat().st_size)
