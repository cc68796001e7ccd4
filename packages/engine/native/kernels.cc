#include "kernels.h"

#include "op.h"

namespace tessera {

std::string register_kernels() {
  // A module is registered again in each worker thread, an op once a process.
  static const std::string problem = first_problem({register_activations(), register_attention(), register_convolutions(), register_nearest(), register_products(),
                                                   register_rows(), register_variables()});
  return problem;
}

}  // namespace tessera
