// Fuzzes the thin client with what a daemon may say to it, and with environments and configurations. With libFuzzer
// (clang -fsanitize=fuzzer,address,undefined), or with -DDRIVER, which makes inputs of its own, with any compiler:
// fuzz-client [RUNS [SEED]].
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/types.h>

static ssize_t swallow(int fd, const void *bytes, size_t size);
#define write swallow
#define main client_main
#include "../../native/client/client.c"
#undef main
#undef write

// Reads every byte, so that the sanitizer sees it where one is not the client's.
static ssize_t swallow(int fd, const void *bytes, size_t size) {
  static volatile unsigned sum;
  for (size_t i = 0; i < size; i++) sum += ((const unsigned char *)bytes)[i];
  return fd >= 0 ? (ssize_t)size : -1;
}

static void must(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

// A daemon that says these bytes and leaves.
static int daemon_saying(const uint8_t *bytes, size_t size) {
  int pair[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a socket pair can be had");
  must(send(pair[1], bytes, size, MSG_DONTWAIT) == (ssize_t)size, "the socket takes what the daemon says");
  close(pair[1]);
  return pair[0];
}

static void answers(const uint8_t *bytes, size_t size) {
  int fd = daemon_saying(bytes, size);
  int exit_code = relay_answer(fd, 1000);
  close(fd);
  must(exit_code >= -1 && exit_code <= 255, "an exit code is one of a process");
  struct answer said;
  memcpy(&said, bytes, size < sizeof said ? size : sizeof said);
  int is_whole = size >= sizeof said && (uint64_t)said.stdout_size + said.stderr_size <= size - sizeof said;
  must(exit_code < 0 || is_whole, "only a whole answer is printed");
  must(exit_code >= 0 || !is_whole, "a whole answer is printed");
}

static void takes(const uint8_t *bytes, size_t size) {
  int fd = daemon_saying(bytes, size);
  request_size = 0; // the daemon has left: nothing can be sent to it
  must(deliver(fd) == (size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0), "a call is taken by the magic alone");
  close(fd);
}

// The bytes, cut at their NULs, are the environment; what is behind an empty one is stdin.
static void requests(const uint8_t *bytes, size_t size) {
  static char texts[1 << 20];
  static char *env[4096];
  size_t count = 0, at = 0;
  if (size >= sizeof texts) return;
  memcpy(texts, bytes, size);
  texts[size] = '\0';
  while (at < size && count < 4095 && texts[at] != '\0') {
    env[count++] = texts + at;
    at += strlen(texts + at) + 1;
  }
  env[count] = NULL;
  size_t rest = at < size ? size - at : 0;
  input_size = rest < sizeof input ? rest : sizeof input;
  memcpy(input, texts + (rest > 0 ? at : 0), input_size);
  request_size = sizeof(struct header);
  is_too_large = 0;
  make_request("multi-nic", env);
  must(request_size <= sizeof request, "a request has its size at most");
  struct header header;
  memcpy(&header, request, sizeof header);
  must(is_too_large || header.size == request_size - sizeof header, "a request says its size");
  must(!is_too_large || size > MOST_STDIN, "only what is large is too large");
  must(is_too_large || memcmp(request + request_size - input_size, input, input_size) == 0, "a request ends in stdin");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static void (*const targets[])(const uint8_t *, size_t) = {answers, takes, requests};
  int target = size > 0 ? bytes[0] % 3 : 0;
  // A socket takes some 200 kB that nobody reads.
  if (size == 0 || size > (target < 2 ? 150000 : 300000)) return 0;
  targets[target](bytes + 1, size - 1);
  return 0;
}

#ifdef DRIVER
// Mostly answers that nearly hold: small sizes in the header, and then too few bytes, or as many, or more.
static size_t make_input(uint8_t *bytes, size_t most) {
  size_t size = 1 + (size_t)rand() % (rand() % 50 == 0 ? most - 1 : 300);
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(rand() % (size > 300 ? 3000 : 4) == 0 ? 0 : rand() | 1);
  if (size < 14 || rand() % 8 == 0) return size;
  if (rand() % 3 == 0) memcpy(bytes + 1, magic, sizeof magic);
  uint32_t sizes[2] = {(uint32_t)rand() % 64, (uint32_t)rand() % 64};
  if (rand() % 4 == 0) sizes[0] = (uint32_t)rand() << 1;
  if (rand() % 4 == 0) sizes[1] -= sizes[0]; // their sum is small in 32 bits
  memcpy(bytes + 5, sizes, sizeof sizes);
  return size;
}

int main(int argc, char **argv) {
  static uint8_t bytes[300000];
  long runs = argc > 1 ? atol(argv[1]) : 20000;
  srand(argc > 2 ? (unsigned)atol(argv[2]) : 1);
  for (long run = 0; run < runs; run++) LLVMFuzzerTestOneInput(bytes, make_input(bytes, sizeof bytes));
  printf("%ld inputs\n", runs);
  return 0;
}
#endif
