/* Listening TCP sockets. */
#ifndef PIXIE_HTTP_LISTEN_H
#define PIXIE_HTTP_LISTEN_H

#include "base/netaddr.h"

/*
 * Opens a non-blocking, close-on-exec socket that listens at `addr`; IPv6
 * sockets are IPv6 only. Returns the descriptor or -errno.
 */
int http_listen(const struct netaddr *addr);
/* Opens one more at the same address; see socket_twin(). The descriptor or -errno. */
int http_twin(int fd);
/* Prepares a listening socket somebody else made (socket activation). 0 or -errno. */
int http_adopt(int fd);

#endif
