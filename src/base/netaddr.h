/* IPv4 and IPv6 socket addresses as one value type, their text and their parsing. */
#ifndef PIXIE_BASE_NETADDR_H
#define PIXIE_BASE_NETADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bytes.h"

struct netaddr {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/* Enough for "[ffff:…:ffff%interface]:65535" and its NUL. */
#define NETADDR_TEXT 80

socklen_t netaddr_len(const struct netaddr *a);
uint16_t netaddr_port(const struct netaddr *a);
void netaddr_set_port(struct netaddr *a, uint16_t port);
bool netaddr_is_wildcard(const struct netaddr *a);
bool netaddr_equal(const struct netaddr *a, const struct netaddr *b);
bool netaddr_same_host(const struct netaddr *a, const struct netaddr *b);
uint32_t netaddr_hash(const struct netaddr *a);
/* IPv4 to and from the bytes of a packet; 0.0.0.0 for what is not IPv4. */
struct netaddr netaddr_of_v4(be32 addr, uint16_t port);
be32 netaddr_v4(const struct netaddr *a);
/* ::ffff:192.0.2.1, as a dual-stack socket shows IPv4, becomes plain IPv4. */
void netaddr_unmap(struct netaddr *a);

/* "192.0.2.1", "2001:db8::1"; returns `buf`. */
const char *netaddr_host(const struct netaddr *a, char buf[static NETADDR_TEXT]);
/* "192.0.2.1:69", "[2001:db8::1]:69"; returns `buf`. */
const char *netaddr_text(const struct netaddr *a, char buf[static NETADDR_TEXT]);

/* Parses a literal address without a port, brackets optional; false when it is none. */
bool netaddr_parse_host(const char *text, struct netaddr *out);

/*
 * Parses where to listen: "host:port", ":port", "[v6]:port", port 1-65535.
 * An empty host and 0.0.0.0 mean every address, IPv4 and IPv6, as Go's Listen
 * did in the original; a wildcard therefore yields two addresses.
 * Returns how many of `out` were filled, or 0 with a reason in `*why`
 * (a constant string).
 */
int netaddr_parse_listen(
	const char *text, struct netaddr out[static 2], const char **why);

#endif
