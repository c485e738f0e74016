// Runs a program whose stdout is a pipe of 4 KiB that does not block, and passes on what comes out of it, a third of a
// second late. slow-pipe PROGRAM; exits as it does.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int ends[2], status = 0;
  char bytes[1024];
  if (argc < 2 || pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[1], F_SETPIPE_SZ, 4096) != 4096 ||
      fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0)
    return 111;
  if (fork() == 0) {
    dup2(ends[1], 1);
    execv(argv[1], argv + 1);
    _exit(112);
  }
  close(ends[1]);
  usleep(333 * 1000);
  for (ssize_t size; (size = read(ends[0], bytes, sizeof bytes)) > 0;)
    if (write(1, bytes, (size_t)size) != size) return 113;
  wait(&status);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 114;
}
