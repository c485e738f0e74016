// The thin client: what a runtime starts under a plugin's name. It hands the call to multi-nicd and prints the
// answer; where multi-nicd does not take the call, it becomes the standalone executable beside it, with the same
// environment and stdin. docs/adr/0011-thin-client.md has the protocol, and why no call is served twice or lost.
#ifndef _GNU_SOURCE // test/native/fuzz-client.c includes this file
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char standalone[] = "multi-nic-cni";
static const char magic[4] = "MNC1";

enum {
  MOST_STDIN = 64 * 1024, // a larger configuration is worth a process of its own
  MOST_STDIN_OF_STANDALONE = 5 * 1024 * 1024, // it refuses more than 4 MiB, and is to see that there is more
  MOST_REQUEST = 192 * 1024,
  MOST_ANSWER = 4 * 1024 * 1024,
  PATIENCE = 200, // ms until multi-nicd has taken the call
  // ms until it has answered. An ADD may wait 120 s for another call of its attachment before it begins; kubelet gives
  // a sandbox 240 s. The others may be done again, and DEL waits 20 s.
  ANSWER_PATIENCE = 120 * 1000,
  ANSWER_PATIENCE_OF_ADD = 240 * 1000,
  BRIEFLY = 100, // ms that VERSION waits for a stdin that is open and silent
};

struct header { char magic[4]; uint32_t size; };
struct answer { uint32_t exit_code, stdout_size, stderr_size; };

static char request[MOST_REQUEST];
static size_t request_size = sizeof(struct header);
static int is_too_large;
static char input[MOST_STDIN + 1];
static size_t input_size;
static char texts[MOST_ANSWER];

static void append(const void *bytes, size_t size) {
  if (is_too_large || size > sizeof request - request_size) {
    is_too_large = 1;
    return;
  }
  memcpy(request + request_size, bytes, size);
  request_size += size;
}

static void append_text(const char *text) { append(text, strlen(text) + 1); }

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// Whether there is something to read before the deadline, the end of it included.
static int is_readable(int fd, int64_t deadline) {
  for (;;) {
    int64_t left = deadline - now();
    struct pollfd one = {.fd = fd, .events = POLLIN};
    int ready = poll(&one, 1, left > 0 ? (int)left : 0);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// Fills input from stdin. 0 where it cannot be read: then nothing of it is taken.
static int read_input(int64_t deadline) {
  while (input_size < sizeof input) {
    if (deadline != INT64_MAX && !is_readable(0, deadline)) return 1;
    ssize_t size = read(0, input + input_size, sizeof input - input_size);
    if (size == 0) return 1;
    if (size < 0 && errno != EINTR) return input_size > 0;
    if (size > 0) input_size += (size_t)size;
  }
  return 1;
}

// What identifies a namespace (ioctl_ns(2)); "" where there is nothing at the path.
static void append_identity(const char *path) {
  struct stat found;
  char text[48] = "";
  if (path != NULL && stat(path, &found) == 0)
    snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)found.st_dev, (uintmax_t)found.st_ino);
  append_text(text);
}

static void make_request(const char *name, char **env) {
  append_text(name);
  append_identity("/proc/self/ns/net");
  append_identity(getenv("CNI_NETNS"));
  for (; *env != NULL; env++)
    if (**env != '\0') append_text(*env);
  append_text("");
  append(input, input_size);
  if (input_size > MOST_STDIN) is_too_large = 1;
  struct header header = {.size = (uint32_t)(request_size - sizeof header)};
  memcpy(header.magic, magic, sizeof magic);
  memcpy(request, &header, sizeof header);
}

// A socket on which multi-nicd listens, or -1.
static int connect_daemon(void) {
  const char *folder = getenv("MULTI_NIC_CNI_STATE_DIR");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (folder == NULL || *folder == '\0') folder = "/run/multi-nic-cni";
  int size = snprintf(address.sun_path, sizeof address.sun_path, "%s/cni.sock", folder);
  if (size < 0 || (size_t)size >= sizeof address.sun_path) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // It bounds the wait for a place in the backlog, and that for room in the socket.
  struct timeval patience = {.tv_usec = PATIENCE * 1000};
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
      connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static int read_whole(int fd, void *bytes, size_t size, int64_t deadline) {
  for (size_t got = 0; got < size;) {
    if (!is_readable(fd, deadline)) return 0;
    ssize_t more = recv(fd, (char *)bytes + got, size - got, MSG_DONTWAIT);
    if (more == 0) return 0;
    if (more < 0 && errno != EINTR && errno != EAGAIN) return 0;
    if (more > 0) got += (size_t)more;
  }
  return 1;
}

// Hands the call over. 1 once multi-nicd has taken it; after a 0 it never will: its word that it has taken a call
// fails on a socket that is shut down (unix_stream_sendmsg), and it serves none that it could not say so of.
static int deliver(int fd) {
  int64_t deadline = now() + PATIENCE;
  char taken[sizeof magic];
  for (size_t sent = 0; sent < request_size;) {
    ssize_t size = send(fd, request + sent, request_size - sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return 0; // it has not all of it, so it takes nothing
    sent += (size_t)size;
  }
  if (!read_whole(fd, taken, sizeof taken, deadline)) {
    shutdown(fd, SHUT_RD);
    // What was said before the shutdown is still to be read.
    if (!read_whole(fd, taken, sizeof taken, now())) return 0;
  }
  return memcmp(taken, magic, sizeof magic) == 0;
}

// 0 where not all of it can be written. What does not block may be full for a while.
static int write_whole(int fd, const char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    struct pollfd one = {.fd = fd, .events = POLLOUT};
    ssize_t more = write(fd, bytes + done, size - done);
    if (more > 0) done += (size_t)more;
    else if (more == 0 || (errno != EINTR && errno != EAGAIN)) return 0;
    else if (errno == EAGAIN) poll(&one, 1, -1);
  }
  return 1;
}

// Prints multi-nicd's answer, once it is there whole. -1 where it is not, else the exit code: 1 where it cannot be printed.
static int relay_answer(int fd, int64_t patience) {
  struct answer answer;
  int64_t deadline = now() + patience;
  if (!read_whole(fd, &answer, sizeof answer, deadline)) return -1;
  if (answer.stdout_size > sizeof texts || answer.stderr_size > sizeof texts - answer.stdout_size) return -1;
  if (!read_whole(fd, texts, answer.stdout_size + answer.stderr_size, deadline)) return -1;
  write_whole(2, texts + answer.stdout_size, answer.stderr_size);
  return write_whole(1, texts, answer.stdout_size) ? (int)(answer.exit_code & 0xff) : 1;
}

// An error object on stdout (SPEC.md, "Error"), in the newest version: one that needs no parser here.
static int fail(int code, const char *msg, const char *details) {
  printf("{\"cniVersion\":\"1.1.0\",\"code\":%d,\"msg\":\"%s\",\"details\":\"%s\"}\n", code, msg, details);
  return 1;
}

// Gives stdin back what was read of it. 0 where that cannot be.
static int restore_input(void) {
  static char chunk[64 * 1024];
  if (input_size == 0) return 1;
  int fd = memfd_create("stdin", 0);
  if (fd < 0) return 0;
  if (!write_whole(fd, input, input_size)) return 0;
  for (size_t total = input_size; input_size == sizeof input && total < MOST_STDIN_OF_STANDALONE;) {
    ssize_t size = read(0, chunk, sizeof chunk);
    if (size == 0 || (size < 0 && errno != EINTR)) break;
    if (size < 0) continue;
    if (!write_whole(fd, chunk, (size_t)size)) return 0;
    total += (size_t)size;
  }
  return lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, 0) == 0 && (fd == 0 || close(fd) == 0);
}

// Becomes the standalone executable, which goes by argv[0] as this one does. Returns only where it cannot.
static int become_standalone(char **argv) {
  char path[PATH_MAX + sizeof standalone];
  ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);
  char *slash = size > 0 ? memrchr(path, '/', (size_t)size) : NULL;
  if (slash != NULL && restore_input()) {
    strcpy(slash + 1, standalone);
    execv(path, argv);
  }
  return fail(5, "the executable multi-nic-cni cannot be run; install it in the folder of this plugin, which is its client",
              strerror(errno));
}

int main(int argc, char **argv, char **env) {
  const char *command = getenv("CNI_COMMAND");
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  // Without a command, or with an argument as --help, somebody asks the plugin about itself.
  if (argc != 1 || command == NULL || *command == '\0') return become_standalone(argv);
  int fd = connect_daemon();
  if (fd < 0) return become_standalone(argv);
  if (!read_input(strcmp(command, "VERSION") == 0 ? now() + BRIEFLY : INT64_MAX)) return become_standalone(argv);
  make_request(slash != NULL ? slash + 1 : argv[0], env);
  if (is_too_large || !deliver(fd)) return become_standalone(argv);
  int is_add = strcmp(command, "ADD") == 0;
  int exit_code = relay_answer(fd, is_add ? ANSWER_PATIENCE_OF_ADD : ANSWER_PATIENCE);
  if (exit_code >= 0) return exit_code;
  // All but ADD may be done again; of an ADD nobody knows how far it came.
  if (!is_add) return become_standalone(argv);
  return fail(11, "multi-nicd took this ADD and gave no answer to it; DEL takes away what it made, and a new sandbox will do",
              "see the log of multi-nicd: journalctl --unit multi-nicd");
}
