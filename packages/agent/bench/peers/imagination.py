"""A step of the block-parallel world model in PyTorch: the peer of the agent's WorldModel.predict.

Arrays (.npy): tokens int32 [B, context, N], actions int32 [B, context], codes float32 [V, D], and the model's parameters under their names in the agent's
checkpoints (`parameters.blocks.0.up.kernel`; dense kernels [in, out], convolutions [height, width, in, out], norms `.scale` and `.bias`).

What depends on the weights alone (embeddings of codes, biases of attention) is made once, before the clock starts.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[3] / "engine" / "bench" / "peers"))
import peer  # noqa: E402


def place_table(rows, columns):
    """[N + 1, N + 1]: which row of the relative table a pair of tokens has; the two last rows are for pairs with the action."""
    count, places = rows * columns, (2 * rows - 1) * (2 * columns - 1)
    row, column = torch.arange(count) // columns, torch.arange(count) % columns
    table = torch.full((count + 1, count + 1), places)
    table[:count, :count] = (row[:, None] - row + rows - 1) * (2 * columns - 1) + column[:, None] - column + columns - 1
    table[count] = places + 1
    return table


def new_outputs(options):
    arrays = peer.load(options.folder)
    tokens, actions, codes = arrays["tokens"].long(), arrays["actions"].long(), arrays["codes"]
    batch, context, count = tokens.shape
    rows, columns = map(int, options.grid.split("x"))
    weights = {name.removeprefix("parameters."): array for name, array in arrays.items()}
    # F.linear wants [out, in], F.conv2d [out, in, h, w].
    for name, array in weights.items():
        if name.endswith(".kernel"):
            weights[name] = array.t().contiguous() if array.dim() == 2 else array.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    table = lambda name: weights[f"{name}.table"] + codes @ weights[f"{name}.codes"]
    frames = [table(f"frames.{age}") for age in range(context)]
    stem = table("stem.lookup") if "stem.conv.kernel" in weights else None
    blocks = sum(name.endswith(".attentionNorm.scale") for name in weights)
    places = place_table(rows, columns)
    bias = [weights[f"relative.{i}"][places].permute(2, 0, 1).contiguous() if f"relative.{i}" in weights else None for i in range(blocks)]
    width = weights["positions"].shape[1]

    def linear(name, x):
        return F.linear(x, weights[f"{name}.kernel"], weights[f"{name}.bias"])

    def norm(name, x):
        return F.layer_norm(x, (width,), weights[f"{name}.scale"], weights[f"{name}.bias"], 1e-5)

    def attention(i, x):
        qkv = linear(f"blocks.{i}.attention.qkv", x).view(batch, count + 1, 3, options.heads, width // options.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, N + 1, depth]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[i])
        return linear(f"blocks.{i}.attention.output", mixed.transpose(1, 2).reshape(batch, count + 1, width))

    def outputs():
        x = sum(F.embedding(tokens[:, age], frames[age]) for age in range(context))  # [B, N, W]
        action = sum(F.embedding(actions[:, age], weights[f"actions.{age}"]) for age in range(context))  # [B, W]
        if stem is not None:
            seen = F.embedding(tokens.transpose(1, 2), stem)  # [B, N, context, channels], which is channels last already
            image = seen.view(batch, rows, columns, -1).permute(0, 3, 1, 2)
            kernel = weights["stem.conv.kernel"]
            x = x + F.conv2d(image, kernel, weights["stem.conv.bias"], padding=1).permute(0, 2, 3, 1).reshape(batch, count, width)
        x = torch.cat([x, action[:, None]], 1) + weights["positions"]
        for i in range(blocks):
            x = x + attention(i, norm(f"blocks.{i}.attentionNorm", x))
            x = x + linear(f"blocks.{i}.down", F.relu(linear(f"blocks.{i}.up", norm(f"blocks.{i}.mlpNorm", x))))
        x = norm("norm", x)
        last = x[:, count]
        return {
            "tokens": linear("tokenHead", x[:, :count]).argmax(-1).int(),
            "rewards": (linear("rewardHead", last).argmax(-1) - 1).int(),
            "ends": linear("endHead", last).argmax(-1).int(),
        }

    return outputs


def main():
    arguments = peer.parser(__doc__)
    arguments.add_argument("--heads", type=int, required=True)
    arguments.add_argument("--grid", required=True, help="rows and columns of tokens: 5x5")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    peer.serve(peer.describe(options, "channels_last, SDPA"), options, peer.Inference(new_outputs(options), options))


if __name__ == "__main__":
    main()
