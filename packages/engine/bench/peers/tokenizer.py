"""A convolutional VQ-VAE in PyTorch: the peer of models/conv-vq.ts, a training step or frames to codes.

Arrays (.npy, float32 in TensorFlow's layouts; convolutions have `.kernel` [height, width, in, out], transposed ones [height, width, out, in], and `.bias`).
All sizes follow from them; C are the channels, R those inside residual blocks, D the size of a code:

    frames                      [B, H, W, 3]   the batch, in [0, 1]
    encoder.conv1               4x4, stride 2, 3 -> C/2, relu
    encoder.conv2               4x4, stride 2, C/2 -> C, relu
    encoder.conv3               3x3, C -> C
    encoder.residual1.conv1     3x3, C -> R     x + conv2(relu(conv1(relu(x))))
    encoder.residual1.conv2     1x1, R -> C
    encoder.residual2.*         the same, relu afterwards
    encoder.conv4               1x1, C -> D
    codebook                    [K, D]
    decoder.conv1               3x3, D -> C
    decoder.residual1.*, decoder.residual2.*      as in the encoder, relu afterwards
    decoder.conv2               transposed 4x4, stride 2, C -> C/2, relu
    decoder.conv3               transposed 4x4, stride 2, C/2 -> 3

Padding is 'same' everywhere. loss = mse(reconstruction, frames) + mse(quantized, sg(z)) + 0.25 mse(z, sg(quantized)), all means over all elements;
the decoder's gradient goes straight through to z. Adam with 3e-4.
"""

import torch
import torch.nn.functional as F

import peer

COMMITMENT = 0.25


def new_model(options):
    """Parameters by name, the loss of the batch, and its codes."""
    arrays = peer.load(options.folder)
    memory = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
    frames = arrays.pop("frames").permute(0, 3, 1, 2).contiguous(memory_format=memory)  # [B, 3, H, W]
    # [h, w, in, out] -> [out, in, h, w], and transposed [h, w, out, in] -> [in, out, h, w]: the same permutation.
    parameters = {
        name: (array.permute(3, 2, 0, 1).contiguous(memory_format=memory) if array.dim() == 4 else array).requires_grad_()
        for name, array in arrays.items()
    }
    codebook = parameters["codebook"]

    def conv(name, x, stride=1):
        kernel = parameters[f"{name}.kernel"]
        return F.conv2d(x, kernel, parameters[f"{name}.bias"], stride, (kernel.shape[2] - 1) // 2)

    def transposed(name, x):
        return F.conv_transpose2d(x, parameters[f"{name}.kernel"], parameters[f"{name}.bias"], stride=2, padding=1)

    def block(name, x):
        return x + conv(f"{name}.conv2", F.relu(conv(f"{name}.conv1", F.relu(x))))

    def encode():
        x = F.relu(conv("encoder.conv1", frames, 2))
        x = conv("encoder.conv3", F.relu(conv("encoder.conv2", x, 2)))
        x = F.relu(block("encoder.residual2", block("encoder.residual1", x)))
        return conv("encoder.conv4", x).permute(0, 2, 3, 1)  # [B, h, w, D]

    def nearest(flat):
        # |z - e|^2 / 2 without |z|^2 / 2. Not centred as ours is: the numbers here are small, and it saves a pass over the vectors.
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            flat = flat.float()
            return torch.addmm(codebook.square().sum(1) / 2, flat, codebook.t(), alpha=-1).argmin(1)

    def loss_of_frames():
        z = encode()
        flat = z.reshape(-1, codebook.shape[1])
        quantized = F.embedding(nearest(flat), codebook)
        losses = F.mse_loss(quantized, flat.detach()) + COMMITMENT * F.mse_loss(flat, quantized.detach())
        through = flat + (quantized - flat).detach()
        x = conv("decoder.conv1", through.view_as(z).permute(0, 3, 1, 2))
        x = F.relu(block("decoder.residual2", block("decoder.residual1", x)))
        x = transposed("decoder.conv3", F.relu(transposed("decoder.conv2", x)))
        return F.mse_loss(x, frames) + losses

    def codes():
        return {"codes": nearest(encode().reshape(-1, codebook.shape[1])).int()}

    return parameters, loss_of_frames, codes


def main():
    arguments = peer.parser(__doc__)
    arguments.add_argument("--task", choices=["step", "encode"], default="step")
    peer.add_training_options(arguments)
    peer.add_layout_option(arguments)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    if options.task == "encode":
        peer.serve(peer.describe(options, options.layout), options, peer.Inference(new_model(options)[2], options))
        return
    # [out, in, h, w] -> [h, w, in, out]
    restore = lambda name, gradient: gradient.permute(2, 3, 1, 0) if gradient.dim() == 4 else gradient
    work = peer.Training(lambda: new_model(options)[:2], options, restore)
    peer.serve(peer.describe(options, options.layout, f"Adam: {options.optimizer}"), options, work)


if __name__ == "__main__":
    main()
