"""A frame of tokens drawn one by one from a causal transformer with a key-value cache in PyTorch: the peer of the agent's TokenGenerator.

Arrays (.npy): before int32 [B, P], what is in the cache; last int32 [B, 1], the token that comes first; chances float32 [N, B], where the draws of `values` come
from; and the model's parameters under their names in the agent (tokens [V, W], which makes the logits too, positions [T, W], blocks.I.attention.qkv.kernel, ...;
dense kernels [in, out], norms `.scale` and `.bias`).

A draw is the first class at which the sum of probabilities exceeds a uniform number.
"""

import math
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[3] / "engine" / "bench" / "peers"))
import peer  # noqa: E402


class Dreams:
    def __init__(self, options):
        arrays = peer.load(options.folder)
        self.options = options
        self.before, self.last = arrays.pop("before").long(), arrays.pop("last").long()
        self.chances = arrays.pop("chances")
        # F.linear wants [out, in].
        self.weights = {name: array.t().contiguous() if name.endswith(".kernel") else array for name, array in arrays.items()}
        self.length, self.width = self.weights["positions"].shape
        self.batch, self.start = self.before.shape
        self.count = self.chances.shape[0]
        self.layers = sum(name.endswith(".attentionNorm.scale") for name in self.weights)
        shape = (self.batch, options.heads, self.length, self.width // options.heads)
        self.caches = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(self.layers)]
        self.token_step = peer.compiled(self.forward, options)
        with torch.inference_mode():
            self.forward(self.before, 0)
            # The caches are filled once; a frame overwrites what the one before it has added.

    def linear(self, name, x):
        return F.linear(x, self.weights[f"{name}.kernel"], self.weights[f"{name}.bias"])

    def norm(self, name, x):
        return F.layer_norm(x, (self.width,), self.weights[f"{name}.scale"], self.weights[f"{name}.bias"], 1e-5)

    def attend(self, q, k, v):
        if self.options.attention == "sdpa":
            return F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[2] > 1)
        scores = (q @ k.transpose(2, 3)) / math.sqrt(q.shape[3])
        if q.shape[2] > 1:
            scores = scores.masked_fill(torch.ones(scores.shape[2:], dtype=torch.bool).triu(1), -math.inf)
        return scores.softmax(-1) @ v

    def forward(self, tokens, position):
        """Logits [B, V] after the last of tokens [B, n], which are the next ones from `position` on."""
        batch, count = tokens.shape
        heads = self.options.heads
        x = F.embedding(tokens, self.weights["tokens"]) + self.weights["positions"][position : position + count]
        for i in range(self.layers):
            qkv = self.linear(f"blocks.{i}.attention.qkv", self.norm(f"blocks.{i}.attentionNorm", x))
            q, k, v = qkv.view(batch, count, 3, heads, self.width // heads).permute(2, 0, 3, 1, 4)
            keys, values = self.caches[i]
            keys[:, :, position : position + count] = k
            values[:, :, position : position + count] = v
            mixed = self.attend(q, keys[:, :, : position + count], values[:, :, : position + count])
            x = x + self.linear(f"blocks.{i}.attention.output", mixed.transpose(1, 2).reshape(batch, count, self.width))
            x = x + self.linear(f"blocks.{i}.down", F.gelu(self.linear(f"blocks.{i}.up", self.norm(f"blocks.{i}.mlpNorm", x))))
        return F.linear(self.norm("norm", x[:, -1]), self.weights["tokens"])

    def draw(self, logits, chances):
        probabilities = logits.softmax(-1)
        if chances is None and self.options.sample == "multinomial":
            return torch.multinomial(probabilities, 1)
        sums = probabilities.cumsum(-1)
        chances = torch.rand(self.batch) if chances is None else chances
        return (sums <= chances[:, None] * sums[:, -1:]).sum(-1, keepdim=True)

    def frame(self, chances=None):
        token, drawn = self.last, []
        with torch.inference_mode(), peer.autocast(self.options):
            for i in range(self.count):
                logits = self.token_step(token, self.start + i)
                token = self.draw(logits, None if chances is None else chances[i])
                drawn.append(token)
        return torch.cat(drawn, 1).int().numpy()


class Work:
    def __init__(self, options):
        self.dreams = Dreams(options)
        self.step = self.dreams.frame

    def values(self):
        return {"drawn": self.dreams.frame(self.dreams.chances)}


def main():
    arguments = peer.parser(__doc__)
    arguments.add_argument("--heads", type=int, required=True)
    arguments.add_argument("--attention", choices=["sdpa", "matmul"], default="sdpa", help="over the filled part of the cache")
    arguments.add_argument("--sample", choices=["inverse", "multinomial"], default="multinomial", help="how tokens are drawn while timed")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    peer.serve(peer.describe(options, options.attention, options.sample), options, Work(options))


if __name__ == "__main__":
    main()
