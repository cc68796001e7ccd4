"""One training step of a small causal transformer in PyTorch: the peer of the engine's transformer program.

Arrays (.npy, float32 unless said otherwise; dense layers have `.kernel` [in, out] and `.bias` [out], norms `.scale` and `.bias` [128]):

    tokens, targets             int32 [16, 100]   the batch, in [0, 512)
    embedding.tokens            [512, 128]
    embedding.positions         [100, 128]
    block1.norm1                layer norm, epsilon 1e-5
    block1.attention.qkv        128 -> 384        columns: queries, keys, values; each of them head by head (4 heads of 32)
    block1.attention.out        128 -> 128
    block1.norm2                layer norm
    block1.mlp.up               128 -> 512, GELU (with erf, not the tanh approximation)
    block1.mlp.down             512 -> 128
    block2.*                    the same
    norm                        layer norm
    head                        128 -> 512

x = tokens + positions; x += attention(norm1(x)); x += mlp(norm2(x)); logits = head(norm(x)). Attention is causal, scaled by 1 / sqrt(32).
loss = mean over all [16, 100] of the cross-entropy against the targets. Adam with 3e-4.
"""

import numpy as np
import torch
import torch.nn.functional as F

import peer

BATCH, LENGTH, VOCABULARY, WIDTH, HEADS, BLOCKS = 16, 100, 512, 128, 4, 2


def dense(name, inputs, outputs):
    return {f"{name}.kernel": (inputs, outputs), f"{name}.bias": (outputs,)}


def norm(name):
    return {f"{name}.scale": (WIDTH,), f"{name}.bias": (WIDTH,)}


def shapes():
    arrays = {"tokens": (None, LENGTH), "targets": (None, LENGTH)}
    arrays |= {"embedding.tokens": (VOCABULARY, WIDTH), "embedding.positions": (LENGTH, WIDTH)}
    for i in range(1, BLOCKS + 1):
        arrays |= norm(f"block{i}.norm1") | dense(f"block{i}.attention.qkv", WIDTH, 3 * WIDTH)
        arrays |= dense(f"block{i}.attention.out", WIDTH, WIDTH) | norm(f"block{i}.norm2")
        arrays |= dense(f"block{i}.mlp.up", WIDTH, 4 * WIDTH) | dense(f"block{i}.mlp.down", 4 * WIDTH, WIDTH)
    return arrays | norm("norm") | dense("head", WIDTH, VOCABULARY)


def starting_arrays(seed):
    rng = np.random.default_rng(seed)
    arrays = {name: rng.integers(0, VOCABULARY, (BATCH, LENGTH), np.int32) for name in ("tokens", "targets")}
    for name, shape in shapes().items():
        if name.endswith(".scale"):
            arrays[name] = np.ones(shape, np.float32)
        elif name.endswith(".bias"):
            arrays[name] = np.zeros(shape, np.float32)
        elif name not in arrays:
            arrays[name] = (rng.standard_normal(shape) * 0.02).astype(np.float32)
    return arrays


def new_step(options):
    arrays = peer.load(options.folder, shapes())
    tokens, targets = arrays.pop("tokens").long(), arrays.pop("targets").long().flatten()
    batch = len(tokens)
    # F.linear wants [out, in].
    parameters = {
        name: (array.t().contiguous() if name.endswith(".kernel") else array).requires_grad_() for name, array in arrays.items()
    }
    optimizer = peer.adam(parameters.values(), options)

    def linear(name, x):
        return F.linear(x, parameters[f"{name}.kernel"], parameters[f"{name}.bias"])

    def layer_norm(name, x):
        return F.layer_norm(x, (WIDTH,), parameters[f"{name}.scale"], parameters[f"{name}.bias"], 1e-5)

    def attention(name, x):
        qkv = linear(f"{name}.qkv", x).view(batch, LENGTH, 3, HEADS, WIDTH // HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, T, 32]
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return linear(f"{name}.out", mixed.transpose(1, 2).reshape(batch, LENGTH, WIDTH))

    def step():
        x = F.embedding(tokens, parameters["embedding.tokens"]) + parameters["embedding.positions"]  # [B, T, 128]
        for i in range(1, BLOCKS + 1):
            x = x + attention(f"block{i}.attention", layer_norm(f"block{i}.norm1", x))
            x = x + linear(f"block{i}.mlp.down", F.gelu(linear(f"block{i}.mlp.up", layer_norm(f"block{i}.norm2", x))))
        logits = linear("head", layer_norm("norm", x)).view(-1, VOCABULARY)  # [B*T, 512]
        loss = F.cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


if __name__ == "__main__":
    options = peer.arguments(__doc__)
    if options.make is not None:
        peer.make(options.folder, starting_arrays(options.make))
    peer.serve(lambda: new_step(options))
