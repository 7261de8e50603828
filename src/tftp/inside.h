/* What session.c and pull.c share, and no one else sees. */
#ifndef PIXIE_TFTP_INSIDE_H
#define PIXIE_TFTP_INSIDE_H

#include "tftp/session.h"

/* A changed file is found out at the latest after so much more of it. */
#define TFTP_CHECK_EVERY (4u << 20)

/* What is awaited left just now: sets the deadline by the retransmission timer. */
void tftp_session_wait(struct tftp_session *s, struct mono now);
/* The content cannot be read (-errno), or is not what it was (-ESTALE): ends it. */
void tftp_session_fail_read(struct tftp_session *s, int err, struct mono now);

#endif
