/* What the machine registry is told of TFTP: requests, and how their transfers end. */
#ifndef PIXIE_TFTP_TELL_H
#define PIXIE_TFTP_TELL_H

#include "boot/resolve.h"
#include "boot/tell.h"

struct transfer;

/* The transfer's first: opens its progress. Its session is open. */
void tftp_tell_begun(struct transfer *t, struct registry *r, const struct who *who);
/* What was confirmed so far. */
void tftp_tell_progress(const struct transfer *t);
/* Its outcome, once. */
void tftp_tell_ended(struct transfer *t, struct registry *r);
/* The request was answered by an ERROR. */
void tftp_tell_refused(struct registry *r, const struct who *who,
	const struct netaddr *peer, const struct resolution *res);

#endif
