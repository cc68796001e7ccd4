// Registering an op with one kernel for the CPU through TensorFlow's C API, and what a kernel's computation sees: inputs, outputs, attributes, errors.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <new>
#include <string>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace tessera {

using Shape = std::vector<int64_t>;

// The run of one node.
class Run {
 public:
  Run(TF_OpKernelContext* context, float epsilon) : epsilon(epsilon), context_(context), status_(TF_NewStatus()) {}
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Shapes and row-major values of inputs.
  Shape shape(int input);
  const float* floats(int input);
  const int32_t* ints(int input);

  // Memory for an output.
  float* output_floats(int output, const Shape& shape);
  int32_t* output_ints(int output, const Shape& shape);

  // Memory and shape of the variable behind a resource, to be changed; where somebody still holds the old value, the variable gets a copy first.
  float* variable_floats(int input, Shape* shape);

  // Calls body(begin, end) for pieces of [0, count) that cover it, at least `grain` long but for the last, on all threads of TensorFlow. Pieces run in no order.
  void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const;

  // How many work on a loop at most.
  int thread_count() const;

  // Ends the run with an error unless `holds`; returns it.
  bool expect(bool holds, const std::string& message);

  // The op's attribute of that name, if it has one.
  const float epsilon;

 private:
  TF_Tensor* input(int index);
  void* allocate(int index, TF_DataType type, const Shape& shape, size_t size);

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> inputs_;
  std::vector<TF_Tensor*> outputs_;
};

struct OpDefinition {
  const char* name;
  // As op definitions of TensorFlow have them: "x: float".
  std::initializer_list<const char*> inputs;
  std::initializer_list<const char*> outputs;
  // Whether the op has the float attribute `epsilon`.
  bool epsilon = false;
  // Whether it does something beside its outputs.
  bool stateful = false;
};

std::string register_with(const OpDefinition& definition, void (*compute)(void* epsilon, TF_OpKernelContext* context));

// Registers an op whose kernel is `body`. Returns nothing, or what TensorFlow said against it.
template <void (*body)(Run& run)>
std::string register_op(const OpDefinition& definition) {
  return register_with(definition, [](void* epsilon, TF_OpKernelContext* context) {
    Run run(context, epsilon == nullptr ? 0.f : *static_cast<float*>(epsilon));
    // TensorFlow's C API knows no exceptions.
    try {
      body(run);
    } catch (const std::bad_alloc&) {
      run.expect(false, "OOM when allocating scratch memory");
    }
  });
}

// The first text that is not empty, if any.
std::string first_problem(std::initializer_list<std::string> problems);

// The product of the sizes from `from` to before `to`.
int64_t product(const Shape& shape, size_t from, size_t to);

// Rows of an array: all axes but the last.
inline int64_t rows_of(const Shape& shape) { return product(shape, 0, shape.size() - 1); }

}  // namespace tessera
