/*
 * A bound on lines of the log. What a stranger asks for costs him nothing and us a line:
 * beyond what a room full of machines writes, lines go to DEBUG, and a warning says
 * how many did. One quota a server and thread.
 */
#ifndef PIXIE_BASE_QUOTA_H
#define PIXIE_BASE_QUOTA_H

#include "base/log.h"
#include "base/mono.h"

#define QUOTA_BURST 500     /* lines at once */
#define QUOTA_PER_SECOND 20 /* and after that */
#define QUOTA_TELL MONO_S(10)

/* Zeroed, it is full. */
struct quota {
	bool begun;
	double left;
	struct mono at, told;
	unsigned left_out; /* lines, since a warning said so */
};

/*
 * The level at which to write the next line: `level`, or LEVEL_DEBUG when the quota is
 * used up. Writes the warning `event` before it ("http-flood lines-left-out=3"), at most
 * every QUOTA_TELL.
 */
enum log_level quota_level(
	struct quota *q, const char *event, enum log_level level, struct mono now);
/* The warning that is still due, at the end. */
void quota_end(struct quota *q, const char *event);

#endif
