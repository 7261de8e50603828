/*
 * What of a representation a GET or HEAD gets: preconditions and ranges in the
 * order RFC 9110 §13.2.2 prescribes, in one place.
 */
#ifndef PIXIE_HTTP_COND_H
#define PIXIE_HTTP_COND_H

#include <stdint.h>
#include <time.h>

#include "http/parse.h"

struct validators {
	const char *etag; /* strong, in quotes; NULL without */
	time_t mtime;     /* 0 without; not later than now, see representation_mtime() */
	uint64_t size;
};

struct selection {
	int status; /* 200, 206, 304, 412 or 416 */
	uint64_t off, len;
};

struct selection select_part(
	const struct request *req, const struct validators *v, time_t now);

/*
 * The modification time fit for Last-Modified. RFC 9110 §8.8.2.1 forbids one in
 * the future (a server whose clock was wrong when it booted has such files), and
 * putting now in its place would break every later comparison: then none is sent.
 */
time_t representation_mtime(time_t mtime, time_t now);

#endif
