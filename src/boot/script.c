#define _GNU_SOURCE
#include "boot/script.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets/asset.h"

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

char *
script_replace(
	const char *text, size_t len, const char *what, const char *with, size_t *out_len)
{
	const char *end = text + len, *hit;
	size_t gap = strlen(what);
	char *out = malloc(len + count(text, len, what) * strlen(with) + 1), *to = out;

	if (out == NULL)
		return NULL;
	while ((hit = memmem(text, (size_t)(end - text), what, gap)) != NULL) {
		to = mempcpy(to, text, (size_t)(hit - text));
		to = mempcpy(to, with, strlen(with));
		text = hit + gap;
	}
	to = mempcpy(to, text, (size_t)(end - text));
	*out_len = (size_t)(to - out);
	return out;
}

static struct content *
fill_in(const char *name, const char *what, const char *with)
{
	const struct asset *a = asset_find(name);
	size_t len;
	char *text;

	assert(a != NULL); /* the build embeds every template */
	text = script_replace((const char *)a->data, a->len, what, with, &len);
	return text ? content_owned(text, len, content_type_of("chain.ipxe")) : NULL;
}

struct content *
script_from_template(const char *name, const struct site *site, const struct asked *asked)
{
	char base[BASE_TEXT];

	return fill_in(name, "@BASE@", script_base(site, asked, base));
}

struct content *
script_local(enum machine_state state)
{
	return fill_in("local.ipxe.in", "@WHY@",
		state == STATE_IGNORE ? "state: ignore"
				      : "state: local, or once that is used up");
}
