"""One training step of a small convolutional VQ-VAE in PyTorch: the peer of the engine's convolution + quantizer program.

Arrays (.npy, float32 in TensorFlow's layouts; convolutions have `.kernel` [height, width, in, out], transposed ones [height, width, out, in], and `.bias` [out]):

    frames                      [32, 32, 32, 3]   the batch, in [0, 1]
    encoder.conv1               4x4, stride 2, 3 -> 16, relu
    encoder.conv2               4x4, stride 2, 16 -> 32, relu
    encoder.conv3               3x3, 32 -> 32
    encoder.residual1.conv1     3x3, 32 -> 32     x + conv2(relu(conv1(relu(x))))
    encoder.residual1.conv2     1x1, 32 -> 32
    encoder.residual2.*         the same, relu afterwards
    encoder.conv4               1x1, 32 -> 32
    codebook                    [512, 32]
    decoder.conv1               3x3, 32 -> 32
    decoder.residual1.*, decoder.residual2.*      as in the encoder, relu afterwards
    decoder.conv2               transposed 4x4, stride 2, 32 -> 16, relu
    decoder.conv3               transposed 4x4, stride 2, 16 -> 3

Padding is 'same' everywhere. loss = mse(reconstruction, frames) + mse(quantized, sg(z)) + 0.25 mse(z, sg(quantized)), all means over all elements;
the decoder's gradient goes straight through to z. Adam with 3e-4.
"""

import numpy as np
import torch
import torch.nn.functional as F

import peer

BATCH, SIZE, CHANNELS, HIDDEN, CODES = 32, 32, 3, 32, 512
COMMITMENT = 0.25


def residual(name):
    return {f"{name}.conv1": (3, 3, HIDDEN, HIDDEN), f"{name}.conv2": (1, 1, HIDDEN, HIDDEN)}


CONVOLUTIONS = {
    "encoder.conv1": (4, 4, CHANNELS, HIDDEN // 2),
    "encoder.conv2": (4, 4, HIDDEN // 2, HIDDEN),
    "encoder.conv3": (3, 3, HIDDEN, HIDDEN),
    **residual("encoder.residual1"),
    **residual("encoder.residual2"),
    "encoder.conv4": (1, 1, HIDDEN, HIDDEN),
    "decoder.conv1": (3, 3, HIDDEN, HIDDEN),
    **residual("decoder.residual1"),
    **residual("decoder.residual2"),
}
TRANSPOSED = {"decoder.conv2": (4, 4, HIDDEN // 2, HIDDEN), "decoder.conv3": (4, 4, CHANNELS, HIDDEN // 2)}


def shapes():
    arrays = {"frames": (None, SIZE, SIZE, CHANNELS), "codebook": (CODES, HIDDEN)}
    for name, kernel in {**CONVOLUTIONS, **TRANSPOSED}.items():
        arrays[f"{name}.kernel"] = kernel
        arrays[f"{name}.bias"] = (kernel[2] if name in TRANSPOSED else kernel[3],)
    return arrays


def starting_arrays(seed):
    rng = np.random.default_rng(seed)
    arrays = {"frames": rng.random((BATCH, SIZE, SIZE, CHANNELS), dtype=np.float32)}
    for name, shape in shapes().items():
        if name.endswith(".kernel"):
            fan_in = shape[0] * shape[1] * (shape[3] / 4 if name[: -len(".kernel")] in TRANSPOSED else shape[2])
            arrays[name] = (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)
        elif name.endswith(".bias"):
            arrays[name] = np.zeros(shape, np.float32)
        elif name == "codebook":
            arrays[name] = (rng.standard_normal(shape) * 0.1).astype(np.float32)
    return arrays


def new_step(options):
    arrays = peer.load(options.folder, shapes())
    memory = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
    frames = arrays.pop("frames").permute(0, 3, 1, 2).contiguous(memory_format=memory)  # [B, 3, 32, 32]
    # [h, w, in, out] -> [out, in, h, w], and transposed [h, w, out, in] -> [in, out, h, w]: the same permutation.
    parameters = {
        name: (array.permute(3, 2, 0, 1).contiguous(memory_format=memory) if array.dim() == 4 else array).requires_grad_()
        for name, array in arrays.items()
    }
    optimizer = peer.adam(parameters.values(), options)
    codebook = parameters["codebook"]

    def conv(name, x, stride=1):
        kernel = parameters[f"{name}.kernel"]
        return F.conv2d(x, kernel, parameters[f"{name}.bias"], stride, (kernel.shape[2] - 1) // 2)

    def transposed(name, x):
        return F.conv_transpose2d(x, parameters[f"{name}.kernel"], parameters[f"{name}.bias"], stride=2, padding=1)

    def block(name, x):
        return x + conv(f"{name}.conv2", F.relu(conv(f"{name}.conv1", F.relu(x))))

    def loss_of_frames():
        x = F.relu(conv("encoder.conv1", frames, 2))
        x = conv("encoder.conv3", F.relu(conv("encoder.conv2", x, 2)))
        x = F.relu(block("encoder.residual2", block("encoder.residual1", x)))
        z = conv("encoder.conv4", x).permute(0, 2, 3, 1)  # [B, 8, 8, 32]
        flat = z.reshape(-1, HIDDEN)  # [B*8*8, 32]
        with torch.no_grad():
            # |z - e|^2 / 2 without |z|^2 / 2, centred on the codebook
            mean = codebook.mean(0)
            centred = codebook - mean
            distances = torch.addmm(centred.square().sum(1) / 2, flat - mean, centred.t(), alpha=-1)
            codes = distances.argmin(1)
        quantized = F.embedding(codes, codebook)
        losses = F.mse_loss(quantized, flat.detach()) + COMMITMENT * F.mse_loss(flat, quantized.detach())
        through = flat + (quantized - flat).detach()
        x = conv("decoder.conv1", through.view_as(z).permute(0, 3, 1, 2))
        x = F.relu(block("decoder.residual2", block("decoder.residual1", x)))
        x = transposed("decoder.conv3", F.relu(transposed("decoder.conv2", x)))
        return F.mse_loss(x, frames) + losses

    def step():
        loss = loss_of_frames()
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
