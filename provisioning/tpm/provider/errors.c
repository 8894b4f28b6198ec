#include "provider.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

static int library;

/* Node tells an error's reason and not its details. */
static _Thread_local char last_detail[256];

const char *tpm_last_detail(void) { return last_detail; }

static ERR_STRING_DATA reasons[] = {
    {ERR_PACK(0, 0, TPM_UNREACHABLE), "TPM does not answer"},
    {ERR_PACK(0, 0, TPM_REFUSED), "TPM refused the command"},
    {ERR_PACK(0, 0, TPM_BAD_ANSWER), "TPM answered what it should not"},
    {ERR_PACK(0, 0, TPM_WRONG_KEY), "the key in the TPM is another one"},
    {ERR_PACK(0, 0, TPM_BAD_PEM), "not a TPM KEY file of GridTokenX"},
    {ERR_PACK(0, 0, TPM_DIGEST_ONLY_SHA256), "a TPM key signs SHA-256 digests only"},
    {0, NULL},
};
static ERR_STRING_DATA name[] = {{0, "TPM provider"}, {0, NULL}};

int tpm_register_errors(void) {
  library = ERR_get_next_error_library();
  name[0].error = ERR_PACK(library, 0, 0);
  return ERR_load_strings(library, reasons) && ERR_load_strings(library, name);
}

void tpm_raise(enum tpm_reason reason, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_detail, sizeof last_detail, format, arguments);
  va_end(arguments);
  ERR_new();
  ERR_set_debug(OPENSSL_FILE, OPENSSL_LINE, OPENSSL_FUNC);
  ERR_set_error(library, (int)reason, "%s", last_detail);
}
