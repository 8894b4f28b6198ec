#include "provider.h"

#include <node_api.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>

#define EC_NAMES "EC:id-ecPublicKey:1.2.840.10045.2.1"

static const OSSL_ALGORITHM keymgmts[] = {{EC_NAMES, "provider=gridtokenx-tpm", tpm_keymgmt_functions, NULL}, {0}};
static const OSSL_ALGORITHM signatures[] = {{"ECDSA", "provider=gridtokenx-tpm", tpm_signature_functions, NULL}, {0}};
static const OSSL_ALGORITHM decoders[] = {
    {EC_NAMES, "provider=gridtokenx-tpm,input=pem", tpm_decoder_functions, NULL}, {0}};

static const OSSL_ALGORITHM *query_operation(void *context, int operation, int *no_cache) {
  (void)context;
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_KEYMGMT:
      return keymgmts;
    case OSSL_OP_SIGNATURE:
      return signatures;
    case OSSL_OP_DECODER:
      return decoders;
    default:
      return NULL;
  }
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation},
    {0, NULL},
};

static int provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *from_core, const OSSL_DISPATCH **functions,
                         void **context) {
  for (; from_core->function_id != 0; from_core++) {
    if (from_core->function_id == OSSL_FUNC_BIO_READ_EX) tpm_bio_read = OSSL_FUNC_BIO_read_ex(from_core);
  }
  *context = (void *)core;
  *functions = provider_functions;
  return tpm_bio_read != NULL;
}

/* Once a process, whichever thread comes first: worker threads load the addon again. */
static int load_provider(void) {
  static atomic_flag busy = ATOMIC_FLAG_INIT;
  static int loaded;
  while (atomic_flag_test_and_set(&busy)) continue;
  if (!loaded) {
    /* OpenSSL's own EC keys must come first, or ordinary keys would be looked for in the TPM. */
    EVP_PKEY_free(EVP_EC_gen("P-256"));
    loaded = tpm_register_errors() && OSSL_PROVIDER_add_builtin(NULL, "gridtokenx-tpm", provider_init) &&
             OSSL_PROVIDER_try_load(NULL, "gridtokenx-tpm", 1) != NULL;
  }
  int result = loaded;
  atomic_flag_clear(&busy);
  return result;
}

static void set_number(napi_env env, napi_value object, const char *name, unsigned long long value) {
  napi_value number;
  napi_create_double(env, (double)value, &number);
  napi_set_named_property(env, object, name, number);
}

/* lastDetail(): of the last error of this thread. */
static napi_value last_detail(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value text;
  napi_create_string_utf8(env, tpm_last_detail(), NAPI_AUTO_LENGTH, &text);
  return text;
}

static void set_function(napi_env env, napi_value object, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  napi_set_named_property(env, object, name, function);
}

/* statistics(): { signatures, failures, microseconds } since the process began. */
static napi_value statistics(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_create_object(env, &result);
  set_number(env, result, "signatures", atomic_load(&tpm_signatures));
  set_number(env, result, "failures", atomic_load(&tpm_sign_failures));
  set_number(env, result, "microseconds", atomic_load(&tpm_sign_microseconds));
  return result;
}

NAPI_MODULE_INIT() {
  if (!load_provider()) {
    napi_throw_error(env, "GTX-TPM-090", "OpenSSL does not take the TPM provider");
    return NULL;
  }
  set_function(env, exports, "statistics", statistics);
  set_function(env, exports, "lastDetail", last_detail);
  return exports;
}
