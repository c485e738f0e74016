// A UDP socket of one link, which Node cannot make: it gives no way to set SO_BINDTODEVICE before a socket is bound.
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <node_api.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The socket, bound to the link and the address, or the errno times -1. A link's socket gets no packet that came by
// another, and sends by no other (socket(7)).
static int udp_of_link(const char *ifname, const char *address, uint16_t port) {
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  const int is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
  if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1) return -EINVAL;
  const int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) == 0 &&
      (is_six ? bind(fd, (struct sockaddr *)&six, sizeof six) : bind(fd, (struct sockaddr *)&four, sizeof four)) == 0)
    return fd;
  const int error = errno;
  close(fd);
  return -error;
}

// udpOfLink(ifname, address, port): the descriptor, or the errno times -1.
static napi_value udp_socket(napi_env env, napi_callback_info info) {
  char ifname[IFNAMSIZ + 1], address[INET6_ADDRSTRLEN + 1];
  size_t count = 3, length = 0;
  napi_value values[3], result = NULL;
  uint32_t port = 0;
  int fd = -EINVAL;
  // What is longer than it may be is read one character too long, and refused.
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) == napi_ok && count == 3 &&
      napi_get_value_string_utf8(env, values[0], ifname, sizeof ifname, &length) == napi_ok && length < IFNAMSIZ &&
      napi_get_value_string_utf8(env, values[1], address, sizeof address, &length) == napi_ok &&
      napi_get_value_uint32(env, values[2], &port) == napi_ok && port <= UINT16_MAX)
    fd = udp_of_link(ifname, address, (uint16_t)port);
  napi_create_int32(env, fd, &result);
  return result;
}
