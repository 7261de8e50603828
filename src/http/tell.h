/* What the machine registry is told of HTTP: requests for files, and how they end. */
#ifndef PIXIE_HTTP_TELL_H
#define PIXIE_HTTP_TELL_H

#include "http/conn.h"
#include "http/route.h"
#include "machine/registry.h"

/*
 * Before the answer is made, because it may be the begin of the boot that the answer is
 * for: menu and script, with what iPXE says of itself in the query. Other names are told
 * when they were sent.
 */
void http_tell_asked(const struct visit *v, const char *name);
/* Whether this client's requests are a machine's: a person's browser is none. */
bool http_is_machine(const struct request *req);

/* A reply that the registry hears of. Zeroed: none is under way. */
struct told {
	bool is_told;
	struct progress *progress; /* of a long one */
	uint32_t segments, resent; /* of the connection, before this reply */
};

/* The reply's head is made: `x` with its length, not yet sent. */
void told_begin(struct told *t, struct registry *r, const struct exchange *x,
	const struct who *who, const struct netaddr *peer, int fd);
/* It is over; `cut`: why before its end, NULL: whole. */
void told_end(struct told *t, struct registry *r, const struct exchange *x,
	const struct who *who, const struct netaddr *peer, const char *cut, int fd,
	struct mono now);

#endif
