#include "provider.h"

#include <ctype.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * -----BEGIN TPM KEY-----
 * base64 of "TRANSPORT|HANDLE|POINT": where the TPM is, the persistent handle in hex, the public point in hex
 * -----END TPM KEY-----
 */
#define BEGIN "-----BEGIN TPM KEY-----"
#define END "-----END TPM KEY-----"
#define FILE_MAX 2048

OSSL_FUNC_BIO_read_ex_fn *tpm_bio_read;

static void *new_context(void *provider) { return provider; }

static void free_context(void *context) { (void)context; }

static int does_selection(void *context, int selection) {
  (void)context;
  (void)selection;
  return 1;
}

static size_t read_file(OSSL_CORE_BIO *in, char text[FILE_MAX]) {
  size_t length = 0, got;
  while (length < FILE_MAX - 1 && tpm_bio_read(in, text + length, FILE_MAX - 1 - length, &got) && got > 0) length += got;
  text[length] = '\0';
  return length;
}

/* The text between the two lines, decoded; 0 when it is no base64. */
static int decode_body(const char *from, const char *to, char body[FILE_MAX]) {
  char base64[FILE_MAX];
  size_t length = 0;
  for (; from < to; from++) {
    if (!isspace((unsigned char)*from)) base64[length++] = *from;
  }
  if (length == 0 || length % 4 != 0) return 0;
  int decoded = EVP_DecodeBlock((unsigned char *)body, (unsigned char *)base64, (int)length);
  if (decoded < 0) return 0;
  body[decoded] = '\0';
  return 1;
}

static int parse_handle(const char *text, uint32_t *handle) {
  char *end;
  unsigned long value = strtoul(text, &end, 16);
  /* Persistent objects: TPM 2.0 Library, Part 2, TPM_HT. */
  if (end == text || *end != '\0' || value >> 24 != 0x81) return 0;
  *handle = (uint32_t)value;
  return 1;
}

static tpm_key *parse_key(char *body) {
  char *rest;
  const char *transport = strtok_r(body, "|", &rest);
  const char *handle = strtok_r(NULL, "|", &rest);
  const char *point = strtok_r(NULL, "|", &rest);
  tpm_key *key = OPENSSL_zalloc(sizeof *key);
  if (key == NULL) return NULL;
  atomic_init(&key->references, 1);
  size_t length;
  if (point != NULL && strlen(transport) < sizeof key->transport && parse_handle(handle, &key->handle) &&
      OPENSSL_hexstr2buf_ex(key->point, sizeof key->point, &length, point, '\0') && length == TPM_POINT_BYTES) {
    strcpy(key->transport, transport);
    return key;
  }
  OPENSSL_free(key);
  return NULL;
}

/*
 * Keys that were found in their TPMs, the newest at `next`. TLS reads a key for every connection, and a persistent
 * object does not change by itself; a signature of another one is refused by every peer.
 */
static tpm_key found[16];
static size_t next;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static int was_found(const tpm_key *key) {
  int is_known = 0;
  pthread_mutex_lock(&guard);
  for (size_t i = 0; i < sizeof found / sizeof *found && !is_known; i++) {
    is_known = found[i].handle == key->handle && strcmp(found[i].transport, key->transport) == 0 &&
               memcmp(found[i].point, key->point, TPM_POINT_BYTES) == 0;
  }
  pthread_mutex_unlock(&guard);
  return is_known;
}

static void keep_found(const tpm_key *key) {
  pthread_mutex_lock(&guard);
  tpm_key *place = &found[next++ % (sizeof found / sizeof *found)];
  place->handle = key->handle;
  memcpy(place->point, key->point, TPM_POINT_BYTES);
  strcpy(place->transport, key->transport);
  pthread_mutex_unlock(&guard);
}

/* A file that names another key than the one in the TPM must not pass: every signature would be worthless. */
static int is_in_tpm(const tpm_key *key) {
  unsigned char point[TPM_POINT_BYTES];
  if (was_found(key)) return 1;
  if (!tpm_read_point(key->transport, key->handle, point)) return 0;
  if (memcmp(point, key->point, TPM_POINT_BYTES) == 0) {
    keep_found(key);
    return 1;
  }
  tpm_raise(TPM_WRONG_KEY, "%s: handle 0x%x", key->transport, key->handle);
  return 0;
}

static int pass_on(tpm_key *key, OSSL_CALLBACK *callback, void *argument) {
  int type = OSSL_OBJECT_PKEY;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
      OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, (char *)"EC", 0),
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &key, sizeof key),
      OSSL_PARAM_END,
  };
  int taken = callback(params, argument);
  tpm_key_release(key); /* NULL when it was taken over */
  return taken;
}

/* 1 with nothing passed on means: not ours, let the next decoder try. */
static int decode(void *context, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *callback, void *argument,
                  OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument) {
  (void)context;
  (void)selection;
  (void)passphrase;
  (void)passphrase_argument;
  char text[FILE_MAX], body[FILE_MAX];
  read_file(in, text);
  const char *begin = strstr(text, BEGIN);
  const char *end = begin == NULL ? NULL : strstr(begin, END);
  if (end == NULL) return 1;
  tpm_key *key = decode_body(begin + strlen(BEGIN), end, body) ? parse_key(body) : NULL;
  if (key == NULL) {
    tpm_raise(TPM_BAD_PEM, "expected TRANSPORT|HANDLE|POINT");
    return 0;
  }
  if (is_in_tpm(key)) return pass_on(key, callback, argument);
  tpm_key_release(key);
  return 0;
}

const OSSL_DISPATCH tpm_decoder_functions[] = {
    {OSSL_FUNC_DECODER_NEWCTX, (void (*)(void))new_context},
    {OSSL_FUNC_DECODER_FREECTX, (void (*)(void))free_context},
    {OSSL_FUNC_DECODER_DECODE, (void (*)(void))decode},
    {OSSL_FUNC_DECODER_DOES_SELECTION, (void (*)(void))does_selection},
    {0, NULL},
};
