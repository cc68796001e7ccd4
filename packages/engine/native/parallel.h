// Loops over rows on as many threads as the machine has cores (or TF_NUM_INTRAOP_THREADS says), since TensorFlow's C kernel API lends none of its own.
#pragma once

#include <cstdint>
#include <functional>

namespace tessera {

// Calls body(begin, end) for pieces of [0, count) that cover it, at least `grain` long but for the last. Pieces run at the same time, in no order.
void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace tessera
