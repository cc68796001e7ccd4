// The binding of tfjs-node, compiled unchanged from the sources of its package under two names of ours, so that `addon.cc` stands at both doors: it sees the
// TensorFlow context being made, which tfjs keeps to itself, and adds exports of its own to the module.
#define TFE_NewContext tessera_new_context
#define napi_register_module_v1 tessera_register_tfjs

#include "tfjs_backend.cc"
#include "tfjs_binding.cc"
