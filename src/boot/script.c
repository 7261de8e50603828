#define _GNU_SOURCE
#include "boot/script.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets/asset.h"

#define PLACEHOLDER "@BASE@"

/*
 * --advertise, else what the client reached: over HTTP that is address and port;
 * over TFTP the address, unless HTTP listens on a certain other one.
 */
static struct netaddr
base_address(const struct site *site, const struct asked *asked)
{
	struct netaddr at = asked->reached;

	if (site->advertise.sa.sa_family != AF_UNSPEC) {
		at = site->advertise;
		if (netaddr_port(&at) == 0)
			netaddr_set_port(&at, netaddr_port(&site->http));
		return at;
	}
	if (asked->over_http)
		return at;
	if (!netaddr_is_wildcard(&site->http))
		return site->http;
	netaddr_set_port(&at, netaddr_port(&site->http));
	return at;
}

const char *
script_base(
	const struct site *site, const struct asked *asked, char buf[static BASE_TEXT])
{
	struct netaddr at = base_address(site, asked);
	char text[NETADDR_TEXT];

	/* The scope is ours; the client's own name for the link differs. */
	if (at.sa.sa_family == AF_INET6)
		at.v6.sin6_scope_id = 0;
	snprintf(buf, BASE_TEXT, "http://%s", netaddr_text(&at, text));
	return buf;
}

static size_t
count(const char *text, size_t len, const char *what)
{
	size_t n = 0;

	for (const char *p = text;
		(p = memmem(p, len - (size_t)(p - text), what, strlen(what))); p++)
		n++;
	return n;
}

struct content *
script_from_template(const char *name, const struct site *site, const struct asked *asked)
{
	const struct asset *a = asset_find(name);
	const char *from, *end, *hit;
	char base[BASE_TEXT], *out, *to;
	size_t gap = strlen(PLACEHOLDER);

	assert(a != NULL); /* the build embeds every template */
	from = (const char *)a->data;
	end = from + a->len;
	script_base(site, asked, base);
	out = to = malloc(a->len + count(from, a->len, PLACEHOLDER) * strlen(base) + 1);
	if (out == NULL)
		return NULL;
	while ((hit = memmem(from, (size_t)(end - from), PLACEHOLDER, gap)) != NULL) {
		to = mempcpy(to, from, (size_t)(hit - from));
		to = mempcpy(to, base, strlen(base));
		from = hit + gap;
	}
	to = mempcpy(to, from, (size_t)(end - from));
	return content_owned(out, (size_t)(to - out), content_type_of("chain.ipxe"));
}
