#include "provider.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ecdsa.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* TPM 2.0 Library, Part 2: Structures. */
enum {
  TPM_ST_NO_SESSIONS = 0x8001,
  TPM_ST_SESSIONS = 0x8002,
  TPM_CC_SIGN = 0x15d,
  TPM_CC_READ_PUBLIC = 0x173,
  TPM_RS_PASSWORD = 0x40000009,
  TPM_RH_NULL = 0x40000007,
  TPM_ALG_SHA256 = 0x000b,
  TPM_ALG_ECDSA = 0x0018,
  TPM_ALG_ECC = 0x0023,
  TPM_ALG_NULL = 0x0010,
  TPM_ECC_NIST_P256 = 0x0003,
  TPM_ST_HASHCHECK = 0x8024,
  /* Warnings that ask for the same command once more. */
  TPM_RC_YIELDED = 0x908,
  TPM_RC_TESTING = 0x90a,
  TPM_RC_RETRY = 0x922,
};

/* A chip signs in tens to hundreds of milliseconds; what takes this long is gone. */
static const int patience_ms = 10000;
static const int most_retries = 20;
static const unsigned long long wakeful_us = 1500;

atomic_ullong tpm_signatures, tpm_sign_failures, tpm_sign_microseconds;

/* A command is written, and an answer read, through a cursor that never passes its end. */
typedef struct {
  unsigned char bytes[512];
  size_t at;
  size_t length;
  int overrun;
} cursor;

static void put(cursor *out, uint32_t value, int bytes) {
  if (out->at + (size_t)bytes > sizeof out->bytes) {
    out->overrun = 1;
    return;
  }
  while (bytes-- > 0) out->bytes[out->at++] = (unsigned char)(value >> (8 * bytes));
}

static void put_bytes(cursor *out, const unsigned char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) put(out, bytes[i], 1);
}

static uint32_t get(cursor *in, int bytes) {
  uint32_t value = 0;
  if (in->length - in->at < (size_t)bytes) {
    in->overrun = 1;
    return 0;
  }
  while (bytes-- > 0) value = value << 8 | in->bytes[in->at++];
  return value;
}

/* A TPM2B: its bytes stay where they are. NULL past the end. */
static const unsigned char *get_sized(cursor *in, size_t *length) {
  *length = get(in, 2);
  if (in->overrun || in->length - in->at < *length) {
    in->overrun = 1;
    return NULL;
  }
  const unsigned char *bytes = in->bytes + in->at;
  in->at += *length;
  return bytes;
}

static void begin(cursor *out, uint32_t tag, uint32_t command) {
  memset(out, 0, sizeof *out);
  put(out, tag, 2);
  put(out, 0, 4);
  put(out, command, 4);
}

static int open_socket(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
    errno = EINVAL;
    return -1;
  }
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1;
  struct timeval limit = {.tv_sec = patience_ms / 1000};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* bounds connect too */
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

static int open_transport(const char *transport) {
  if (transport[0] == '/') return open(transport, O_RDWR | O_CLOEXEC);
  char host[64];
  const char *colon = strrchr(transport, ':');
  if (colon == NULL || (size_t)(colon - transport) >= sizeof host) {
    errno = EINVAL;
    return -1;
  }
  memcpy(host, transport, (size_t)(colon - transport));
  host[colon - transport] = '\0';
  return open_socket(host, atoi(colon + 1));
}

static unsigned long long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
}

/*
 * Waits as poll does. An emulator answers in half a millisecond, and a processor that was let to sleep for it comes back
 * late and slow, which doubles the time of a signature; the event loop waits either way. So at first it stays awake.
 */
static int wait_for_answer(int fd) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  unsigned long long until = microseconds() + wakeful_us;
  int polled;
  do {
    polled = poll(&ready, 1, 0);
    if (polled == 0) sched_yield();
  } while (polled == 0 && microseconds() < until);
  return polled == 0 ? poll(&ready, 1, patience_ms) : polled;
}

/* Reads at least `wanted` bytes in all, at most what fits. */
static int read_until(int fd, cursor *in, size_t wanted) {
  while (in->length < wanted) {
    int polled = wait_for_answer(fd);
    if (polled < 0 && errno == EINTR) continue;
    if (polled == 0) errno = ETIMEDOUT;
    if (polled <= 0) return 0;
    ssize_t got = read(fd, in->bytes + in->length, sizeof in->bytes - in->length);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return 0;
    in->length += (size_t)got;
  }
  return 1;
}

static int write_all(int fd, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    ssize_t wrote = write(fd, bytes, length);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return 0;
    bytes += wrote;
    length -= (size_t)wrote;
  }
  return 1;
}

/* One command on a connection of its own: swtpm serves one client at a time, the kernel's resource manager many. */
static int exchange_once(const char *transport, const cursor *out, cursor *in) {
  memset(in, 0, sizeof *in);
  int fd = open_transport(transport);
  if (fd < 0) {
    tpm_raise(TPM_UNREACHABLE, "%s: %s", transport, strerror(errno));
    return 0;
  }
  const size_t header = 10;
  int done = write_all(fd, out->bytes, out->length) && read_until(fd, in, header);
  size_t size = 0;
  if (done) {
    size = (size_t)in->bytes[2] << 24 | (size_t)in->bytes[3] << 16 | (size_t)in->bytes[4] << 8 | in->bytes[5];
    if (size < header || size > sizeof in->bytes) {
      close(fd);
      tpm_raise(TPM_BAD_ANSWER, "%s: an answer of %zu bytes", transport, size);
      return 0;
    }
    done = read_until(fd, in, size);
  }
  int reason = errno;
  close(fd);
  if (!done) {
    tpm_raise(TPM_UNREACHABLE, "%s: %s", transport, strerror(reason));
    return 0;
  }
  in->length = size;
  return 1;
}

static void pause_briefly(void) {
  struct timespec twenty_ms = {.tv_nsec = 20 * 1000 * 1000};
  nanosleep(&twenty_ms, NULL);
}

/* Sends `out`; on success `in` stands behind the answer's header. */
static int exchange(const char *transport, cursor *out, cursor *in) {
  out->length = out->at;
  out->at = 2;
  put(out, (uint32_t)out->length, 4);
  for (int i = 0;; i++) {
    if (!exchange_once(transport, out, in)) return 0;
    get(in, 2);
    get(in, 4);
    uint32_t code = get(in, 4);
    if (code == 0) return 1;
    int again = code == TPM_RC_RETRY || code == TPM_RC_YIELDED || code == TPM_RC_TESTING;
    if (!again || i == most_retries) {
      tpm_raise(TPM_REFUSED, "%s: response code 0x%x", transport, code);
      return 0;
    }
    pause_briefly();
  }
}

/* One coordinate, left-padded to 32 bytes as SEC 1 has it. */
static int get_coordinate(cursor *in, unsigned char coordinate[32]) {
  size_t length;
  const unsigned char *bytes = get_sized(in, &length);
  if (bytes == NULL || length > 32) return 0;
  memset(coordinate, 0, 32 - length);
  memcpy(coordinate + 32 - length, bytes, length);
  return 1;
}

int tpm_read_point(const char *transport, uint32_t handle, unsigned char point[TPM_POINT_BYTES]) {
  cursor out, in;
  size_t length;
  begin(&out, TPM_ST_NO_SESSIONS, TPM_CC_READ_PUBLIC);
  put(&out, handle, 4);
  if (!exchange(transport, &out, &in)) return 0;
  /* TPM2B_PUBLIC of an ECC key: type, nameAlg, attributes, policy, symmetric, scheme, curve, kdf, x, y. */
  get(&in, 2);
  uint32_t type = get(&in, 2);
  get(&in, 2);
  get(&in, 4);
  get_sized(&in, &length);
  uint32_t symmetric = get(&in, 2);
  uint32_t scheme = get(&in, 2);
  if (scheme != TPM_ALG_NULL) get(&in, 2);
  uint32_t curve = get(&in, 2);
  get(&in, 2);
  point[0] = 4;
  int read = get_coordinate(&in, point + 1) && get_coordinate(&in, point + 33);
  if (read && !in.overrun && type == TPM_ALG_ECC && symmetric == TPM_ALG_NULL && curve == TPM_ECC_NIST_P256) return 1;
  tpm_raise(TPM_WRONG_KEY, "%s: handle 0x%x holds no P-256 signing key", transport, handle);
  return 0;
}

/* TPMT_SIGNATURE of ECDSA into DER. */
static int get_signature(cursor *in, unsigned char *signature, size_t *length, size_t capacity) {
  size_t r_length, s_length;
  get(in, 4); /* parameterSize */
  uint32_t algorithm = get(in, 2);
  uint32_t hash = get(in, 2);
  const unsigned char *r = get_sized(in, &r_length);
  const unsigned char *s = get_sized(in, &s_length);
  if (in->overrun || algorithm != TPM_ALG_ECDSA || hash != TPM_ALG_SHA256 || r_length > 32 || s_length > 32) return 0;
  ECDSA_SIG *pair = ECDSA_SIG_new();
  BIGNUM *first = BN_bin2bn(r, (int)r_length, NULL);
  BIGNUM *second = BN_bin2bn(s, (int)s_length, NULL);
  if (pair == NULL || first == NULL || second == NULL || !ECDSA_SIG_set0(pair, first, second)) {
    BN_free(first);
    BN_free(second);
    ECDSA_SIG_free(pair);
    return 0;
  }
  int size = i2d_ECDSA_SIG(pair, NULL);
  int fits = size > 0 && (size_t)size <= capacity;
  if (fits) *length = (size_t)i2d_ECDSA_SIG(pair, &signature);
  ECDSA_SIG_free(pair);
  return fits;
}

int tpm_sign(const tpm_key *key, const unsigned char digest[TPM_DIGEST_BYTES], unsigned char *signature,
             size_t *length, size_t capacity) {
  cursor out, in;
  unsigned long long started = microseconds();
  begin(&out, TPM_ST_SESSIONS, TPM_CC_SIGN);
  put(&out, key->handle, 4);
  put(&out, 9, 4); /* size of the empty password authorisation that follows */
  put(&out, TPM_RS_PASSWORD, 4);
  put(&out, 0, 2);
  put(&out, 0, 1);
  put(&out, 0, 2);
  put(&out, TPM_DIGEST_BYTES, 2);
  put_bytes(&out, digest, TPM_DIGEST_BYTES);
  put(&out, TPM_ALG_ECDSA, 2);
  put(&out, TPM_ALG_SHA256, 2);
  put(&out, TPM_ST_HASHCHECK, 2); /* no ticket: the key is not restricted */
  put(&out, TPM_RH_NULL, 4);
  put(&out, 0, 2);
  if (exchange(key->transport, &out, &in)) {
    if (get_signature(&in, signature, length, capacity)) {
      atomic_fetch_add(&tpm_signatures, 1);
      atomic_fetch_add(&tpm_sign_microseconds, microseconds() - started);
      return 1;
    }
    tpm_raise(TPM_BAD_ANSWER, "%s: no ECDSA signature", key->transport);
  }
  atomic_fetch_add(&tpm_sign_failures, 1);
  return 0;
}
