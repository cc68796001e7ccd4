// Overwriting a part of a variable in its own memory. TensorFlow's op for it makes every later read of the variable a copy of all of it.
#include <cstring>

#include "kernels.h"
#include "op.h"

namespace tessera {
namespace {

// The variable's places along an axis from `at` on become the value.
void compute_assign_slice(Run& run) {
  const Shape value = run.shape(1);
  const int64_t at = run.ints(2)[0], axis = run.ints(3)[0];
  Shape shape;
  float* variable = run.variable_floats(0, &shape);
  if (variable == nullptr) return;
  bool fits = axis >= 0 && axis < static_cast<int64_t>(value.size()) && shape.size() == value.size() && at >= 0;
  fits = fits && at + value[axis] <= shape[axis];
  if (!run.expect(fits, "TesseraAssignSlice: the slice does not fit")) return;
  const int64_t outer = product(value, 0, axis), inner = product(value, axis + 1, value.size());
  const int64_t from_row = value[axis] * inner, to_row = shape[axis] * inner;
  const float* from = run.floats(1);
  for (int64_t i = 0; i < outer; i++) {
    std::memcpy(variable + i * to_row + at * inner, from + i * from_row, from_row * sizeof(float));
  }
}

}  // namespace

std::string register_variables() {
  return register_op<compute_assign_slice>(
      {"TesseraAssignSlice", {"variable: resource", "value: float", "at: int32", "axis: int32"}, {}, false, true});
}

}  // namespace tessera
