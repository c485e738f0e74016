// A byte of a file, locked. For netns.c alone, which defines _GNU_SOURCE first.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct flock byte_at(int64_t offset, short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
}

static int64_t milliseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void interrupt(int signal) { (void)signal; }

// The kernel wakes who waits for a lock one by one, in the order they came (__locks_insert_block of fs/locks.c). It
// knows no time limit: a timer interrupts the wait, and again every 10 ms, should its first signal come before the wait
// has begun. For the main thread: the handler is the process's. By number, since glibc before 2.34 has timers in a
// library of their own; sigprocmask, since its pthread_sigmask has another version from 2.32 on.
static int wait_for_lock(int fd, struct flock *lock, int64_t patience) {
  const int64_t deadline = milliseconds_now() + patience;
  const int wake = SIGRTMAX;
  struct sigaction action = {.sa_handler = interrupt}, action_before;
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = wake};
  const struct itimerspec times = {
      .it_value = {patience / 1000, patience % 1000 * 1000000}, .it_interval = {0, 10000000}};
  sigset_t ours, mask_before;
  int timer = 0, error = 0;
  event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) return errno;
  sigemptyset(&ours);
  sigaddset(&ours, wake);
  sigaction(wake, &action, &action_before);
  sigprocmask(SIG_UNBLOCK, &ours, &mask_before);
  syscall(SYS_timer_settime, timer, 0, &times, NULL);
  do {
    error = fcntl(fd, F_OFD_SETLKW, lock) == 0 ? 0 : errno;
  } while (error == EINTR && milliseconds_now() < deadline);
  // A signal that is pending still comes with the end of this call, and finds the handler.
  syscall(SYS_timer_delete, timer);
  sigprocmask(SIG_SETMASK, &mask_before, NULL);
  sigaction(wake, &action_before, NULL);
  return error == EINTR ? EAGAIN : error;
}

// 0, or the errno: EAGAIN where another open file description has the lock, and still has it after `patience` ms.
static int lock_at(int fd, int64_t offset, int64_t patience) {
  struct flock lock = byte_at(offset, F_WRLCK);
  int error = fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
  return error == EAGAIN && patience > 0 ? wait_for_lock(fd, &lock, patience) : error;
}

// 0, or the errno.
static int unlock_at(int fd, int64_t offset) {
  struct flock lock = byte_at(offset, F_UNLCK);
  return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}
