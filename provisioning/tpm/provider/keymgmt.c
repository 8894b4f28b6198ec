#include "provider.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <string.h>

#define BITS 256
#define SECURITY_BITS 128
#define GROUP "prime256v1"
#define PUBLIC_TYPES                                            \
  OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),  \
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0)

void tpm_key_hold(tpm_key *key) { atomic_fetch_add(&key->references, 1); }

void tpm_key_release(tpm_key *key) {
  if (key != NULL && atomic_fetch_sub(&key->references, 1) == 1) OPENSSL_free(key);
}

/* Keys come from the decoder only. OpenSSL asks for the function, and finds that there is nothing to make. */
static void *new_key(void *context) {
  (void)context;
  return NULL;
}

static void free_key(void *key) { tpm_key_release(key); }

static int has(const void *key, int selection) {
  (void)selection;
  return key != NULL;
}

/* Takes over the reference that the decoder passed. */
static void *load(const void *reference, size_t size) {
  if (size != sizeof(tpm_key *)) return NULL;
  tpm_key *key = *(tpm_key *const *)reference;
  *(tpm_key **)reference = NULL;
  return key;
}

static int match(const void *a, const void *b, int selection) {
  (void)selection;
  const tpm_key *first = a, *second = b;
  return memcmp(first->point, second->point, TPM_POINT_BYTES) == 0;
}

static const OSSL_PARAM *gettable_params(void *context) {
  (void)context;
  static const OSSL_PARAM known[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
      PUBLIC_TYPES,
      OSSL_PARAM_END,
  };
  return known;
}

static int set_int(OSSL_PARAM wanted[], const char *name, int value) {
  OSSL_PARAM *param = OSSL_PARAM_locate(wanted, name);
  return param == NULL || OSSL_PARAM_set_int(param, value);
}

static int set_text(OSSL_PARAM wanted[], const char *name, const char *value) {
  OSSL_PARAM *param = OSSL_PARAM_locate(wanted, name);
  return param == NULL || OSSL_PARAM_set_utf8_string(param, value);
}

static int set_point(OSSL_PARAM wanted[], const char *name, const tpm_key *key) {
  OSSL_PARAM *param = OSSL_PARAM_locate(wanted, name);
  return param == NULL || OSSL_PARAM_set_octet_string(param, key->point, TPM_POINT_BYTES);
}

static int get_params(void *key, OSSL_PARAM wanted[]) {
  return set_int(wanted, OSSL_PKEY_PARAM_BITS, BITS) &&
         set_int(wanted, OSSL_PKEY_PARAM_SECURITY_BITS, SECURITY_BITS) &&
         set_int(wanted, OSSL_PKEY_PARAM_MAX_SIZE, TPM_SIGNATURE_MAX) &&
         set_text(wanted, OSSL_PKEY_PARAM_GROUP_NAME, GROUP) &&
         set_text(wanted, OSSL_PKEY_PARAM_DEFAULT_DIGEST, "SHA256") &&
         set_point(wanted, OSSL_PKEY_PARAM_PUB_KEY, key) &&
         set_point(wanted, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, key);
}

/* The public half leaves; there is no private one to give. */
static int export_key(void *data, int selection, OSSL_CALLBACK *callback, void *argument) {
  tpm_key *key = data;
  if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) return 0;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)GROUP, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key->point, TPM_POINT_BYTES),
      OSSL_PARAM_END,
  };
  return callback(params, argument);
}

static const OSSL_PARAM *export_types(int selection) {
  static const OSSL_PARAM types[] = {PUBLIC_TYPES, OSSL_PARAM_END};
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) ? NULL : types;
}

static const char *operation_name(int operation) { return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL; }

const OSSL_DISPATCH tpm_keymgmt_functions[] = {
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_key},
    {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))free_key},
    {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))has},
    {OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))load},
    {OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))match},
    {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))get_params},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable_params},
    {OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void))export_key},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))export_types},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))operation_name},
    {0, NULL},
};
