// What Node cannot do itself: change the calling thread's network namespace, tell the type of a namespace, set options
// of a netlink socket whose descriptor the npm package keeps to itself, say what it dropped, send on it from another
// thread, lock a byte of a file, change one thread's priority in a microsecond, give memory back, and make a UDP socket
// of one link.
// Every function returns or reports 0 or an errno (or a mask); the TypeScript above it makes the errors.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include "lock.h"
#include "udp.h"
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/sock_diag.h>
#include <node_api.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

enum { MOST_ARGUMENTS = 3 };

// An argument, a number. NaN and the like become 0, as napi_get_value_int64 has it.
static int64_t argument_at(napi_env env, napi_callback_info info, size_t at) {
  size_t count = MOST_ARGUMENTS;
  napi_value values[MOST_ARGUMENTS];
  int64_t number = -1;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count <= at) return -1;
  if (napi_get_value_int64(env, values[at], &number) != napi_ok) return -1;
  return number;
}

static int64_t argument(napi_env env, napi_callback_info info) { return argument_at(env, info, 0); }

static napi_value answer(napi_env env, int32_t number) {
  napi_value value = NULL;
  napi_create_int32(env, number, &value);
  return value;
}

// setns(fd): 0, or the errno. EINVAL where fd is a namespace of another type.
static napi_value enter(napi_env env, napi_callback_info info) {
  return answer(env, setns((int)argument(env, info), CLONE_NEWNET) == 0 ? 0 : errno);
}

// isNetns(fd): 1 for a network namespace, 0 for anything else.
static napi_value is_netns(napi_env env, napi_callback_info info) {
  return answer(env, ioctl((int)argument(env, info), NS_GET_NSTYPE) == CLONE_NEWNET);
}

static int is_route_socket(int fd, uint32_t port) {
  struct sockaddr_nl address = {0};
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) return 0;
  if (address.nl_family != AF_NETLINK || address.nl_pid != port) return 0;
  int protocol = -1;
  size = sizeof protocol;
  return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == NETLINK_ROUTE;
}

static int is_tuned(int fd) {
  int on = 0;
  socklen_t size = sizeof on;
  return getsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, &size) == 0 && on;
}

// tuneNetlink(port): a mask of the options this kernel took (1 EXT_ACK, 2 CAP_ACK, 4 GET_STRICT_CHK), and the
// descriptor times 8; 0 where no untuned NETLINK_ROUTE socket of this process is bound to port. A port is unique
// within a namespace only, so a socket tuned before is not the one that is looked for.
static napi_value tune_netlink(napi_env env, napi_callback_info info) {
  static const int options[] = {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK};
  uint32_t port = (uint32_t)argument(env, info);
  struct rlimit limit = {1024, 1024};
  getrlimit(RLIMIT_NOFILE, &limit);
  // Descriptors are the lowest free ones, so the search ends early; the bound is for the one not found.
  int end = limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
  for (int fd = 0; fd < end; fd++) {
    if (!is_route_socket(fd, port) || is_tuned(fd)) continue;
    int taken = 0, on = 1;
    for (int i = 0; i < 3; i++)
      if (setsockopt(fd, SOL_NETLINK, options[i], &on, sizeof on) == 0) taken |= 1 << i;
    return answer(env, fd << 3 | taken);
  }
  return answer(env, 0);
}

// dropped(fd): how many messages a netlink socket had no room for so far, 0 where the kernel (before 4.12) does not say.
// From now on that is no error of the socket any more: libuv stops polling one that has an error, and calls the npm
// package, which then ends the process.
static napi_value dropped(napi_env env, napi_callback_info info) {
  int fd = (int)argument(env, info), on = 1;
  uint32_t memory[SK_MEMINFO_VARS] = {0};
  socklen_t size = sizeof memory;
  setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) return answer(env, 0);
  return answer(env, (int32_t)memory[SK_MEMINFO_DROPS]);
}

// lockByte(fd, offset, patience): 0, or the errno: EAGAIN where another open file description has the lock, and still has
// it after so many ms, which the thread sleeps. The lock ends with the last descriptor of the description, and so with
// the process.
static napi_value lock_byte(napi_env env, napi_callback_info info) {
  const int fd = (int)argument(env, info);
  return answer(env, lock_at(fd, argument_at(env, info, 1), argument_at(env, info, 2)));
}

// unlockByte(fd, offset): 0, or the errno.
static napi_value unlock_byte(napi_env env, napi_callback_info info) {
  return answer(env, unlock_at((int)argument(env, info), argument_at(env, info, 1)));
}

// setNiceness(niceness): what it was, of this thread alone. It stays so where the thread may not have more of the processor.
static napi_value set_niceness(napi_env env, napi_callback_info info) {
  const int before = getpriority(PRIO_PROCESS, 0);
  setpriority(PRIO_PROCESS, 0, (int)argument(env, info));
  return answer(env, before);
}

struct sending {
  napi_async_work work;
  napi_ref callback;
  int fd, error;
  size_t size;
  char bytes[];
};

// In a thread of libuv's pool. The kernel serves the request before sendto returns; to delete a link is to wait for
// every reader of it (synchronize_net).
static void send_now(napi_env env, void *data) {
  struct sending *sending = data;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  ssize_t sent;
  (void)env;
  do {
    sent = sendto(sending->fd, sending->bytes, sending->size, 0, (struct sockaddr *)&kernel, sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  sending->error = sent < 0 ? errno : 0;
}

static void report_sent(napi_env env, napi_status status, void *data) {
  struct sending *sending = data;
  napi_value callback, undefined, error = answer(env, status == napi_ok ? sending->error : ECANCELED);
  if (napi_get_reference_value(env, sending->callback, &callback) == napi_ok &&
      napi_get_undefined(env, &undefined) == napi_ok)
    napi_call_function(env, undefined, callback, 1, &error, NULL);
  napi_delete_reference(env, sending->callback);
  napi_delete_async_work(env, sending->work);
  free(sending);
}

// sendInThread(fd, bytes, callback): 0, or the errno; the callback gets 0 or an errno later. fd stays open till then.
static napi_value send_in_thread(napi_env env, napi_callback_info info) {
  size_t count = 3, size = 0;
  napi_value values[3], name;
  void *bytes = NULL;
  int64_t fd = -1;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count != 3 ||
      napi_get_value_int64(env, values[0], &fd) != napi_ok ||
      napi_get_buffer_info(env, values[1], &bytes, &size) != napi_ok ||
      napi_create_string_utf8(env, "netlink", NAPI_AUTO_LENGTH, &name) != napi_ok)
    return answer(env, EINVAL);
  struct sending *sending = calloc(1, sizeof *sending + size);
  if (sending == NULL) return answer(env, ENOMEM);
  sending->fd = (int)fd;
  sending->size = size;
  if (size > 0) memcpy(sending->bytes, bytes, size);
  if (napi_create_reference(env, values[2], 1, &sending->callback) == napi_ok &&
      napi_create_async_work(env, NULL, name, send_now, report_sent, sending, &sending->work) == napi_ok &&
      napi_queue_async_work(env, sending->work) == napi_ok)
    return answer(env, 0);
  free(sending);
  return answer(env, EINVAL);
}

// forget(address, size): 0, or the errno. For a mapping of a file that nothing was written to: its pages are read
// from the page cache again when they are touched (MADV_DONTNEED of madvise(2)).
static napi_value forget(napi_env env, napi_callback_info info) {
  void *address = (void *)(uintptr_t)argument_at(env, info, 0);
  return answer(env, madvise(address, (size_t)argument_at(env, info, 1), MADV_DONTNEED) == 0 ? 0 : errno);
}

NAPI_MODULE_INIT() {
  static const struct { const char *name; napi_callback call; } functions[] = {
    {"setns", enter}, {"isNetns", is_netns}, {"tuneNetlink", tune_netlink}, {"lockByte", lock_byte},
    {"unlockByte", unlock_byte}, {"setNiceness", set_niceness}, {"sendInThread", send_in_thread},
    {"forget", forget}, {"dropped", dropped}, {"udpOfLink", udp_socket}};
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    napi_value value;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &value) != napi_ok)
      return NULL;
    napi_set_named_property(env, exports, functions[i].name, value);
  }
  return exports;
}
