// Starts the calls that are measured, as a runtime does and alike for all: posix_spawn of a small process (a fork of
// Node would cost several ms of its own), the configuration from a file, stdout to a pipe that is read to its end.
// A job on stdin, in lines: "job PARALLEL CHAINS"; for each chain "chain CALLS"; for each call "call VARIABLES", the
// executable, the file for stdin, and the environment. The calls of a chain run one after another, PARALLEL chains at
// a time. For each call a line on stdout: chain, call, exit status, ns of its start and end, µs of CPU time of it and
// its children, kB of its largest resident set, and what it printed, if it failed; then "end".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct call { char *file, *stdin_file, **env; };
struct chain { int count, next; struct call *calls; };
struct running { struct chain *chain; pid_t pid; int64_t start; size_t size; char output[4096]; };

static void die(const char *what) {
  fprintf(stderr, "launcher: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  if (memory == NULL) die("calloc");
  return memory;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// The next line of stdin, without its end; the end of stdin ends the process.
static char *line(void) {
  char *text = NULL;
  size_t room = 0;
  ssize_t size = getline(&text, &room, stdin);
  if (size < 0) exit(0);
  if (size > 0 && text[size - 1] == '\n') text[size - 1] = '\0';
  return text;
}

// The number of a line that begins with a word; a second one, where it is asked for.
static int number(const char *word, int *second) {
  char *text = line();
  size_t length = strlen(word);
  int first = -1, other = -1;
  if (strncmp(text, word, length) != 0 || sscanf(text + length, "%d %d", &first, &other) < (second != NULL ? 2 : 1)) {
    fprintf(stderr, "launcher: \"%s\" is not a line of a job: it should begin with %s\n", text, word);
    exit(1);
  }
  free(text);
  if (second != NULL) *second = other;
  return first;
}

static void read_chain(struct chain *chain) {
  chain->count = number("chain", NULL);
  chain->next = 0;
  chain->calls = allocate(chain->count, sizeof *chain->calls);
  for (int i = 0; i < chain->count; i++) {
    struct call *call = &chain->calls[i];
    int variables = number("call", NULL);
    call->file = line();
    call->stdin_file = line();
    call->env = allocate(variables, sizeof *call->env);
    for (int j = 0; j < variables; j++) call->env[j] = line();
  }
}

static void free_chain(struct chain *chain) {
  for (int i = 0; i < chain->count; i++) {
    for (char **variable = chain->calls[i].env; *variable != NULL; variable++) free(*variable);
    free(chain->calls[i].env);
    free(chain->calls[i].file);
    free(chain->calls[i].stdin_file);
  }
  free(chain->calls);
}

// Starts the next call of a chain; the end of its output is to be read from `readable`.
static void start(struct running *slot, struct pollfd *readable) {
  struct call *call = &slot->chain->calls[slot->chain->next];
  int ends[2];
  char *argv[] = {call->file, NULL};
  posix_spawn_file_actions_t actions;
  if (pipe2(ends, O_CLOEXEC) != 0) die("pipe2");
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, call->stdin_file, O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  slot->size = 0;
  slot->start = now();
  errno = posix_spawn(&slot->pid, call->file, &actions, NULL, argv, call->env);
  if (errno != 0) die(call->file);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  *readable = (struct pollfd){.fd = ends[0], .events = POLLIN};
}

// Reads on; 1 once the output has ended. More than there is room for is dropped.
static int has_ended(struct running *slot, int fd) {
  char rest[4096];
  int full = slot->size == sizeof slot->output;
  ssize_t size = full ? read(fd, rest, sizeof rest)
                      : read(fd, slot->output + slot->size, sizeof slot->output - slot->size);
  if (size > 0 && !full) slot->size += (size_t)size;
  return size == 0 || (size < 0 && errno != EINTR);
}

static void report(struct running *slot, const struct chain *first) {
  int status = 0;
  struct rusage used;
  if (wait4(slot->pid, &status, 0, &used) != slot->pid) die("wait4");
  int64_t end = now();
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  long cpu = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  for (size_t i = 0; i < slot->size; i++)
    if (slot->output[i] == '\n') slot->output[i] = ' ';
  printf("%d %d %d %jd %jd %ld %ld %.*s\n", (int)(slot->chain - first), slot->chain->next, code, (intmax_t)slot->start,
         (intmax_t)end, cpu, used.ru_maxrss, code == 0 ? 0 : (int)slot->size, slot->output);
}

static void run(struct chain *chains, int count, int parallel) {
  struct running *slots = allocate(parallel, sizeof *slots);
  struct pollfd *readable = allocate(parallel, sizeof *readable);
  int next = 0, running = 0;
  for (int i = 0; i < parallel; i++) readable[i].fd = -1;
  for (;;) {
    for (int i = 0; i < parallel && next < count; i++) {
      if (readable[i].fd >= 0) continue;
      slots[i].chain = &chains[next++];
      start(&slots[i], &readable[i]);
      running++;
    }
    if (running == 0) break;
    if (poll(readable, (nfds_t)parallel, -1) < 0 && errno != EINTR) die("poll");
    for (int i = 0; i < parallel; i++) {
      if (readable[i].fd < 0 || readable[i].revents == 0 || !has_ended(&slots[i], readable[i].fd)) continue;
      close(readable[i].fd);
      readable[i].fd = -1;
      report(&slots[i], chains);
      if (++slots[i].chain->next < slots[i].chain->count) start(&slots[i], &readable[i]);
      else running--;
    }
  }
  free(slots);
  free(readable);
}

int main(void) {
  for (;;) {
    int count, parallel = number("job", &count);
    struct chain *chains = allocate(count, sizeof *chains);
    for (int i = 0; i < count; i++) read_chain(&chains[i]);
    run(chains, count, parallel);
    puts("end");
    fflush(stdout);
    for (int i = 0; i < count; i++) free_chain(&chains[i]);
    free(chains);
  }
}
