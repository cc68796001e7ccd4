#include "op.h"


namespace tessera {
namespace {

void* create_with_epsilon(TF_OpKernelConstruction* construction) {
  float* epsilon = new float(0.f);
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", epsilon, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return epsilon;
}

void* create_without(TF_OpKernelConstruction*) { return nullptr; }

void destroy(void* epsilon) { delete static_cast<float*>(epsilon); }

Shape shape_of(TF_Tensor* tensor) {
  Shape shape(TF_NumDims(tensor));
  for (size_t axis = 0; axis < shape.size(); axis++) shape[axis] = TF_Dim(tensor, axis);
  return shape;
}

// Programs know all their shapes, and TensorFlow finds these when it runs.
void unknown_shapes(TF_ShapeInferenceContext* context, TF_Status* status) { TF_ShapeInferenceContextSetUnknownShape(context, status); }

}  // namespace

Run::~Run() {
  for (TF_Tensor* tensor : inputs_) if (tensor != nullptr) TF_DeleteTensor(tensor);
  for (TF_Tensor* tensor : outputs_) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status_);
}

TF_Tensor* Run::input(int index) {
  if (inputs_.size() <= static_cast<size_t>(index)) inputs_.resize(index + 1, nullptr);
  if (inputs_[index] == nullptr) TF_GetInput(context_, index, &inputs_[index], status_);
  return inputs_[index];
}

Shape Run::shape(int index) { return shape_of(input(index)); }

const float* Run::floats(int index) { return static_cast<const float*>(TF_TensorData(input(index))); }

const int32_t* Run::ints(int index) { return static_cast<const int32_t*>(TF_TensorData(input(index))); }

void* Run::allocate(int index, TF_DataType type, const Shape& shape, size_t size) {
  TF_Tensor* tensor = TF_AllocateOutput(context_, index, type, shape.data(), shape.size(), product(shape, 0, shape.size()) * size, status_);
  if (tensor == nullptr || TF_GetCode(status_) != TF_OK) {
    TF_OpKernelContext_Failure(context_, status_);
    return nullptr;
  }
  outputs_.push_back(tensor);
  return TF_TensorData(tensor);
}

float* Run::output_floats(int index, const Shape& shape) { return static_cast<float*>(allocate(index, TF_FLOAT, shape, sizeof(float))); }

int32_t* Run::output_ints(int index, const Shape& shape) { return static_cast<int32_t*>(allocate(index, TF_INT32, shape, sizeof(int32_t))); }

bool Run::expect(bool holds, const std::string& message) {
  if (holds) return true;
  TF_SetStatus(status_, TF_INVALID_ARGUMENT, message.c_str());
  TF_OpKernelContext_Failure(context_, status_);
  return false;
}

std::string register_with(const OpDefinition& definition, void (*compute)(void*, TF_OpKernelContext*)) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(definition.name);
  for (const char* input : definition.inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : definition.outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  if (definition.epsilon) TF_OpDefinitionBuilderAddAttr(op, "epsilon: float");
  TF_OpDefinitionBuilderSetIsStateful(op, definition.stateful);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, unknown_shapes);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* kernel =
        TF_NewKernelBuilder(definition.name, "CPU", definition.epsilon ? create_with_epsilon : create_without, compute, destroy);
    TF_RegisterKernelBuilder(definition.name, kernel, status);
  }
  std::string problem = TF_GetCode(status) == TF_OK ? "" : std::string(definition.name) + ": " + TF_Message(status);
  TF_DeleteStatus(status);
  return problem;
}

std::string first_problem(std::initializer_list<std::string> problems) {
  for (const std::string& problem : problems) {
    if (!problem.empty()) return problem;
  }
  return "";
}

int64_t product(const Shape& shape, size_t from, size_t to) {
  int64_t count = 1;
  for (size_t axis = from; axis < to; axis++) count *= shape[axis];
  return count;
}

}  // namespace tessera
