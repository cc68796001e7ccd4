// The ops that TensorFlow gets from us. Their names begin with Tessera; the graph lowerings in src/ops use them where `ownKernels` says so.
#pragma once

#include <string>

namespace tessera {

// Registers all of them. Returns nothing, or what TensorFlow said against the first that it did not take.
std::string register_kernels();

// Each file of kernels registers its own, in the same way.
std::string register_activations();
std::string register_attention();
std::string register_convolutions();
std::string register_nearest();
std::string register_products();
std::string register_rows();
std::string register_variables();

}  // namespace tessera
