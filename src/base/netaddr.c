#include "base/netaddr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

socklen_t
netaddr_len(const struct netaddr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

uint16_t
netaddr_port(const struct netaddr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void
netaddr_set_port(struct netaddr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->v6.sin6_port = htons(port);
	else
		a->v4.sin_port = htons(port);
}

bool
netaddr_is_wildcard(const struct netaddr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
	return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool
netaddr_same_host(const struct netaddr *a, const struct netaddr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family != AF_INET6)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
	       memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

bool
netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
	return netaddr_same_host(a, b) && netaddr_port(a) == netaddr_port(b);
}

/* FNV-1a over what netaddr_equal() compares, less the scope. */
uint32_t
netaddr_hash(const struct netaddr *a)
{
	const uint8_t *p = (const uint8_t *)&a->v4.sin_addr;
	size_t n = sizeof(a->v4.sin_addr);
	uint32_t h = 2166136261u;

	if (a->sa.sa_family == AF_INET6) {
		p = a->v6.sin6_addr.s6_addr;
		n = sizeof(a->v6.sin6_addr);
	}
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619u;
	h = (h ^ (netaddr_port(a) & 0xff)) * 16777619u;
	return (h ^ (netaddr_port(a) >> 8)) * 16777619u;
}

struct netaddr
netaddr_of_v4(be32 addr, uint16_t port)
{
	struct netaddr a = {.v4 = {.sin_family = AF_INET}};

	memcpy(&a.v4.sin_addr, addr.b, sizeof(addr.b));
	netaddr_set_port(&a, port);
	return a;
}

be32
netaddr_v4(const struct netaddr *a)
{
	be32 b = be32_from(0);

	if (a->sa.sa_family == AF_INET)
		memcpy(b.b, &a->v4.sin_addr, sizeof(b.b));
	return b;
}

void
netaddr_unmap(struct netaddr *a)
{
	struct netaddr v4 = {.v4 = {.sin_family = AF_INET}};

	if (a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
		return;
	memcpy(&v4.v4.sin_addr, a->v6.sin6_addr.s6_addr + 12, sizeof(v4.v4.sin_addr));
	v4.v4.sin_port = a->v6.sin6_port;
	*a = v4;
}

const char *
netaddr_host(const struct netaddr *a, char buf[static NETADDR_TEXT])
{
	char name[IF_NAMESIZE];
	size_t n;

	if (a->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, buf, NETADDR_TEXT);
		return buf;
	}
	if (a->sa.sa_family != AF_INET6)
		return strcpy(buf, "-");
	inet_ntop(AF_INET6, &a->v6.sin6_addr, buf, NETADDR_TEXT);
	n = strlen(buf);
	if (a->v6.sin6_scope_id && if_indextoname(a->v6.sin6_scope_id, name))
		snprintf(buf + n, NETADDR_TEXT - n, "%%%s", name);
	return buf;
}

const char *
netaddr_text(const struct netaddr *a, char buf[static NETADDR_TEXT])
{
	char host[NETADDR_TEXT];

	netaddr_host(a, host);
	snprintf(buf, NETADDR_TEXT,
		a->sa.sa_family == AF_INET6 ? "[%.70s]:%u" : "%.70s:%u", host,
		netaddr_port(a));
	return buf;
}

bool
netaddr_parse_host(const char *text, struct netaddr *out)
{
	char host[INET6_ADDRSTRLEN];
	size_t n = strlen(text);

	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->sa.sa_family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
		out->sa.sa_family = AF_INET6;
		return true;
	}
	return false;
}

static bool
parse_port(const char *text, uint16_t *port)
{
	char *end;
	long v;

	if (*text < '0' || *text > '9')
		return false;
	v = strtol(text, &end, 10);
	if (*end != '\0' || v < 1 || v > 65535)
		return false;
	*port = (uint16_t)v;
	return true;
}

/* 0.0.0.0, [::] and the empty host: every address of both families. */
static int
wildcard_pair(struct netaddr out[static 2], uint16_t port)
{
	memset(out, 0, 2 * sizeof(*out));
	out[0].sa.sa_family = AF_INET;
	out[1].sa.sa_family = AF_INET6;
	netaddr_set_port(&out[0], port);
	netaddr_set_port(&out[1], port);
	return 2;
}

int
netaddr_parse_listen(const char *text, struct netaddr out[static 2], const char **why)
{
	const char *colon = strrchr(text, ':');
	char host[NETADDR_TEXT];
	size_t n;
	uint16_t port;

	*why = "no port; write ADDR:PORT or :PORT";
	if (colon == NULL || (*text == '[' && colon[-1] != ']'))
		return 0;
	*why = "port is not a number from 1 to 65535";
	if (!parse_port(colon + 1, &port))
		return 0;
	n = (size_t)(colon - text);
	if (n == 0)
		return wildcard_pair(out, port);
	*why = "address is not a literal IPv4 or [IPv6] address";
	if (n >= sizeof(host))
		return 0;
	memcpy(host, text, n);
	host[n] = '\0';
	if (strchr(host, ':') && host[0] != '[') {
		*why = "an IPv6 address needs brackets: [ADDR]:PORT";
		return 0;
	}
	if (!netaddr_parse_host(host, &out[0]))
		return 0;
	if (netaddr_is_wildcard(&out[0]))
		return wildcard_pair(out, port);
	netaddr_set_port(&out[0], port);
	return 1;
}
