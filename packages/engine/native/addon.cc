// What Tessera adds to the binding of tfjs-node, as the export `tessera`: recorded graphs become functions of the TensorFlow context in which tfjs runs its ops, so
// that tfjs's `executeOp` calls a whole training step by name and the step works on variables that eager code sees as well. Our kernels are registered here too.
#include <node_api.h>

#include <cstring>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

#include "gemm.h"
#include "kernels.h"

#ifndef TESSERA_SOURCES
#error "TESSERA_SOURCES has to name the version of these sources"
#endif

namespace {

// One context a thread: each worker of Node that loads the addon has one.
thread_local TFE_Context* context = nullptr;

struct Status {
  TF_Status* raw = TF_NewStatus();
  ~Status() { TF_DeleteStatus(raw); }
  bool ok() const { return TF_GetCode(raw) == TF_OK; }
};

napi_value fail(napi_env env, const char* message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

bool read_text(napi_env env, napi_value value, std::string* text) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  text->resize(length + 1);
  if (napi_get_value_string_utf8(env, value, &(*text)[0], length + 1, &length) != napi_ok) return false;
  text->resize(length);
  return true;
}

// Outputs `node` (its first one) of a graph, named by an array of strings.
bool read_outputs(napi_env env, napi_value names, TF_Graph* graph, std::vector<TF_Output>* outputs) {
  uint32_t count = 0;
  if (napi_get_array_length(env, names, &count) != napi_ok) return false;
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    std::string name;
    if (napi_get_element(env, names, i, &element) != napi_ok || !read_text(env, element, &name)) return false;
    TF_Operation* operation = TF_GraphOperationByName(graph, name.c_str());
    if (operation == nullptr) {
      fail(env, ("the graph has no node '" + name + "'").c_str());
      return false;
    }
    outputs->push_back({operation, 0});
  }
  return true;
}

// addFunction(name, graphDef: Uint8Array, inputs: string[], outputs: string[]): the graph as a function of the context. Inputs are placeholders.
napi_value add_function(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  std::string name;
  void* bytes = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  if (count != 4 || !read_text(env, arguments[0], &name) ||
      napi_get_typedarray_info(env, arguments[1], &type, &length, &bytes, nullptr, nullptr) != napi_ok || type != napi_uint8_array) {
    return fail(env, "addFunction: expected a name, a GraphDef as Uint8Array, and the names of inputs and outputs");
  }
  if (context == nullptr) return fail(env, "addFunction: there is no TensorFlow context");
  Status status;
  TF_Graph* graph = TF_NewGraph();
  TF_Buffer* definition = TF_NewBufferFromString(bytes, length);
  TF_ImportGraphDefOptions* options = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(graph, definition, options, status.raw);
  TF_DeleteImportGraphDefOptions(options);
  TF_DeleteBuffer(definition);
  std::vector<TF_Output> inputs, outputs;
  TF_Function* function = nullptr;
  const bool named = status.ok() && read_outputs(env, arguments[2], graph, &inputs) && read_outputs(env, arguments[3], graph, &outputs);
  if (named) {
    function = TF_GraphToFunction(graph, name.c_str(), /*append_hash_to_fn_name=*/0, /*num_opers=*/-1, /*opers=*/nullptr, inputs.size(),
                                  inputs.data(), outputs.size(), outputs.data(), /*output_names=*/nullptr, /*opts=*/nullptr,
                                  /*description=*/nullptr, status.raw);
    if (status.ok()) TFE_ContextAddFunction(context, function, status.raw);
  }
  if (function != nullptr) TF_DeleteFunction(function);
  TF_DeleteGraph(graph);
  if (!status.ok()) fail(env, TF_Message(status.raw));
  return nullptr;
}

// removeFunction(name)
napi_value remove_function(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  std::string name;
  if (count != 1 || !read_text(env, argument, &name)) return fail(env, "removeFunction: expected a name");
  Status status;
  TFE_ContextRemoveFunction(context, name.c_str(), status.raw);
  if (!status.ok()) fail(env, TF_Message(status.raw));
  return nullptr;
}

void set_function(napi_env env, napi_value object, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, object, name, function);
}

napi_value text(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.c_str(), value.size(), &result);
  return result;
}

}  // namespace

extern "C" TFE_Context* tessera_new_context(const TFE_ContextOptions* options, TF_Status* status) {
  context = TFE_NewContext(options, status);
  return context;
}

extern "C" napi_value tessera_register_tfjs(napi_env env, napi_value exports);

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value tfjs = tessera_register_tfjs(env, exports);
  napi_value tessera;
  napi_create_object(env, &tessera);
  napi_set_named_property(env, tessera, "sources", text(env, TESSERA_SOURCES));
  // Empty where all kernels were registered, else what TensorFlow said of the first that was not.
  napi_set_named_property(env, tessera, "kernelProblem", text(env, tessera::register_kernels()));
  napi_set_named_property(env, tessera, "vectorLevel", text(env, tessera::vector_level()));
  set_function(env, tessera, "addFunction", add_function);
  set_function(env, tessera, "removeFunction", remove_function);
  napi_set_named_property(env, tfjs, "tessera", tessera);
  return tfjs;
}
