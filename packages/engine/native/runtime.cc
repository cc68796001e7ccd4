// What TensorFlow's C API keeps from kernels: the threads that its own compute with, and the memory of variables. This one file looks through the API at the C++ object
// behind a kernel's context, with the headers that come with the library. (Threads of our own were slower: the two kinds keep each other from the cores. TensorFlow's op
// that overwrites a part of a variable makes every later read of it a copy.)
#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"

namespace tessera {
namespace {

using Pool = tsl::thread::ThreadPool;

tensorflow::OpKernelContext* inside(TF_OpKernelContext* context) { return reinterpret_cast<tensorflow::OpKernelContext*>(context); }

Pool* pool_of(TF_OpKernelContext* context) { return inside(context)->device()->tensorflow_cpu_worker_threads()->workers; }

}  // namespace

int Run::thread_count() const { return pool_of(context_)->NumThreads(); }

void Run::parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const {
  if (count <= 0) return;
  // Pieces a few times as many as threads even out what threads lose to others.
  const int64_t pieces = 4 * thread_count();
  const int64_t size = std::max({grain, (count + pieces - 1) / pieces, int64_t{1}});
  if (count <= size) return body(0, count);
  pool_of(context_)->ParallelFor(count, Pool::SchedulingParams(Pool::SchedulingStrategy::kFixedBlockSize, std::nullopt, size), body);
}

float* Run::variable_floats(int index, Shape* shape) {
  tensorflow::OpKernelContext* context = inside(context_);
  tensorflow::core::RefCountPtr<tensorflow::Var> variable;
  absl::Status status = tensorflow::LookupResource(context, tensorflow::HandleFromInput(context, index), &variable);
  if (status.ok()) {
    tensorflow::mutex_lock lock(*variable->mu());
    tensorflow::Tensor* tensor = variable->tensor();
    if (!tensor->RefCountIsOne()) {
      tensorflow::Tensor copy;
      status = context->allocate_temp(tensor->dtype(), tensor->shape(), &copy);
      if (status.ok()) {
        std::memcpy(copy.data(), tensor->data(), tensor->TotalBytes());
        *tensor = copy;
      }
    }
    if (status.ok()) {
      shape->clear();
      for (int axis = 0; axis < tensor->dims(); axis++) shape->push_back(tensor->dim_size(axis));
      return static_cast<float*>(tensor->data());
    }
  }
  context->SetStatus(status);
  return nullptr;
}

}  // namespace tessera
