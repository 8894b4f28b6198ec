/*
 * An OpenSSL 3 provider whose EC P-256 private keys live in a TPM 2.0 at a persistent handle. It is built into the
 * process by an N-API addon (module.c), so that Node's TLS signs in the TPM. Only signing is here: keys are made,
 * certified and removed by provisioning/tpm in TypeScript.
 *
 *   decoder.c    PEM "TPM KEY" -> tpm_key, checked once against the TPM's own public area
 *   keymgmt.c    what OpenSSL may ask of a key: its parameters and public half, never the private one
 *   signature.c  ECDSA with SHA-256: hashed here, signed in the TPM
 *   tpm.c        the two commands, TPM2_ReadPublic and TPM2_Sign, over a device or a TCP socket
 */
#ifndef GRIDTOKENX_TPM_PROVIDER_H
#define GRIDTOKENX_TPM_PROVIDER_H

#include <openssl/core_dispatch.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TPM_POINT_BYTES 65 /* 0x04, X, Y */
#define TPM_DIGEST_BYTES 32
#define TPM_SIGNATURE_MAX 72 /* DER of two 32-byte integers */

/* Shared by every EVP_PKEY and signature context that uses it; freed with the last reference. */
typedef struct {
  atomic_int references;
  uint32_t handle;
  unsigned char point[TPM_POINT_BYTES];
  char transport[128]; /* "/dev/tpmrm0" or "127.0.0.1:2321" */
} tpm_key;

void tpm_key_hold(tpm_key *key);
void tpm_key_release(tpm_key *key);

/* Both raise an OpenSSL error and return 0 when the TPM is gone, refuses, or answers what it should not. */
int tpm_read_point(const char *transport, uint32_t handle, unsigned char point[TPM_POINT_BYTES]);
int tpm_sign(const tpm_key *key, const unsigned char digest[TPM_DIGEST_BYTES], unsigned char *signature,
             size_t *length, size_t capacity);

/* Signatures made by TPMs since the process began, and the time they took. */
extern atomic_ullong tpm_signatures, tpm_sign_failures, tpm_sign_microseconds;

enum tpm_reason {
  TPM_UNREACHABLE = 100,
  TPM_REFUSED,
  TPM_BAD_ANSWER,
  TPM_WRONG_KEY,
  TPM_BAD_PEM,
  TPM_DIGEST_ONLY_SHA256,
};
int tpm_register_errors(void);
void tpm_raise(enum tpm_reason reason, const char *format, ...);
/* Of the last error that this thread raised: where and why. */
const char *tpm_last_detail(void);

extern const OSSL_DISPATCH tpm_keymgmt_functions[];
extern const OSSL_DISPATCH tpm_signature_functions[];
extern const OSSL_DISPATCH tpm_decoder_functions[];
extern OSSL_FUNC_BIO_read_ex_fn *tpm_bio_read;

#endif
