"""One training step of a causal transformer in PyTorch: the peer of models/transformer.ts.

Arrays (.npy, float32 unless said otherwise; dense layers have `.kernel` [in, out] and `.bias` [out], norms `.scale` and `.bias`). All sizes but the number of
heads follow from them; W is the width:

    tokens, targets             int32 [B, T]   the batch, in [0, V)
    embedding.tokens            [V, W]
    embedding.positions         [T, W]
    blocks.0.norm1              layer norm, epsilon 1e-5
    blocks.0.attention.qkv      W -> 3W        columns: queries, keys, values; each of them head by head
    blocks.0.attention.out      W -> W
    blocks.0.norm2              layer norm
    blocks.0.mlp.up             W -> 4W, GELU (with erf, not the tanh approximation)
    blocks.0.mlp.down           4W -> W
    blocks.1.* ...              the same
    norm                        layer norm
    head                        W -> V

x = tokens + positions; x += attention(norm1(x)); x += mlp(norm2(x)); logits = head(norm(x)). Attention is causal, scaled by 1 / sqrt(W / heads).
loss = mean over all tokens of the cross-entropy against the targets. Adam with 3e-4.
"""

import torch
import torch.nn.functional as F

import peer


def new_model(options):
    arrays = peer.load(options.folder)
    tokens, targets = arrays.pop("tokens").long(), arrays.pop("targets").long().flatten()
    batch, length = tokens.shape
    # F.linear wants [out, in].
    parameters = {
        name: (array.t().contiguous() if name.endswith(".kernel") else array).requires_grad_() for name, array in arrays.items()
    }
    blocks = sum(name.endswith(".norm1.scale") for name in parameters)
    vocabulary, width = parameters["embedding.tokens"].shape

    def linear(name, x):
        return F.linear(x, parameters[f"{name}.kernel"], parameters[f"{name}.bias"])

    def layer_norm(name, x):
        return F.layer_norm(x, (width,), parameters[f"{name}.scale"], parameters[f"{name}.bias"], 1e-5)

    def attention(name, x):
        qkv = linear(f"{name}.qkv", x).view(batch, length, 3, options.heads, width // options.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, T, W / heads]
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return linear(f"{name}.out", mixed.transpose(1, 2).reshape(batch, length, width))

    def loss():
        x = F.embedding(tokens, parameters["embedding.tokens"]) + parameters["embedding.positions"]  # [B, T, W]
        for i in range(blocks):
            x = x + attention(f"blocks.{i}.attention", layer_norm(f"blocks.{i}.norm1", x))
            x = x + linear(f"blocks.{i}.mlp.down", F.gelu(linear(f"blocks.{i}.mlp.up", layer_norm(f"blocks.{i}.norm2", x))))
        logits = linear("head", layer_norm("norm", x)).view(-1, vocabulary)  # [B*T, V]
        return F.cross_entropy(logits, targets)

    return parameters, loss


def main():
    arguments = peer.parser(__doc__)
    arguments.add_argument("--heads", type=int, required=True)
    peer.add_training_options(arguments)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    restore = lambda name, gradient: gradient.t() if name.endswith(".kernel") else gradient
    work = peer.Training(lambda: new_model(options), options, restore)
    peer.serve(peer.describe(options, "SDPA", f"Adam: {options.optimizer}"), options, work)


if __name__ == "__main__":
    main()
