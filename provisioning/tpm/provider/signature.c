#include "provider.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

typedef struct {
  tpm_key *key;
  EVP_MD_CTX *hash; /* of a message that is signed in parts */
} signing;

static void *new_context(void *provider, const char *properties) {
  (void)provider;
  (void)properties;
  return OPENSSL_zalloc(sizeof(signing));
}

static void free_context(void *data) {
  signing *context = data;
  EVP_MD_CTX_free(context->hash);
  tpm_key_release(context->key);
  OPENSSL_free(context);
}

static void use_key(signing *context, tpm_key *key) {
  tpm_key_hold(key);
  tpm_key_release(context->key);
  context->key = key;
}

static void *dup_context(void *data) {
  const signing *context = data;
  signing *copy = OPENSSL_zalloc(sizeof *copy);
  if (copy == NULL) return NULL;
  if (context->key != NULL) use_key(copy, context->key);
  if (context->hash == NULL) return copy;
  copy->hash = EVP_MD_CTX_new();
  if (copy->hash != NULL && EVP_MD_CTX_copy_ex(copy->hash, context->hash)) return copy;
  free_context(copy);
  return NULL;
}

static int sign_init(void *data, void *key, const OSSL_PARAM params[]) {
  (void)params;
  signing *context = data;
  if (key != NULL) use_key(context, key);
  return context->key != NULL;
}

/* OpenSSL asks for the size first, with no place to write to. */
static int sign(void *data, unsigned char *signature, size_t *length, size_t capacity, const unsigned char *digest,
                size_t digest_length) {
  const signing *context = data;
  if (signature == NULL) {
    *length = TPM_SIGNATURE_MAX;
    return 1;
  }
  if (digest_length != TPM_DIGEST_BYTES) {
    tpm_raise(TPM_DIGEST_ONLY_SHA256, "a digest of %zu bytes", digest_length);
    return 0;
  }
  return tpm_sign(context->key, digest, signature, length, capacity);
}

static int is_sha256(const char *digest) {
  return digest == NULL || OPENSSL_strcasecmp(digest, "SHA256") == 0 || OPENSSL_strcasecmp(digest, "SHA2-256") == 0 ||
         OPENSSL_strcasecmp(digest, "SHA-256") == 0;
}

static int digest_sign_init(void *data, const char *digest, void *key, const OSSL_PARAM params[]) {
  signing *context = data;
  if (!is_sha256(digest)) {
    tpm_raise(TPM_DIGEST_ONLY_SHA256, "%s was asked for", digest);
    return 0;
  }
  if (!sign_init(data, key, params)) return 0;
  EVP_MD_CTX_free(context->hash);
  context->hash = EVP_MD_CTX_new();
  return context->hash != NULL && EVP_DigestInit_ex(context->hash, EVP_sha256(), NULL);
}

static int digest_sign_update(void *data, const unsigned char *bytes, size_t length) {
  const signing *context = data;
  return context->hash != NULL && EVP_DigestUpdate(context->hash, bytes, length);
}

static int digest_sign_final(void *data, unsigned char *signature, size_t *length, size_t capacity) {
  const signing *context = data;
  unsigned char digest[TPM_DIGEST_BYTES];
  if (signature == NULL) return sign(data, NULL, length, 0, NULL, 0);
  if (context->hash == NULL || !EVP_DigestFinal_ex(context->hash, digest, NULL)) return 0;
  return sign(data, signature, length, capacity, digest, sizeof digest);
}

const OSSL_DISPATCH tpm_signature_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))new_context},
    {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))free_context},
    {OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))dup_context},
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, (void (*)(void))sign_init},
    {OSSL_FUNC_SIGNATURE_SIGN, (void (*)(void))sign},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))digest_sign_init},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))digest_sign_update},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))digest_sign_final},
    {0, NULL},
};
