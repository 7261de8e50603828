/* The answer to a request: made at once, by another thread, or given up. */
#ifndef PIXIE_HTTP_ANSWER_H
#define PIXIE_HTTP_ANSWER_H

#include "base/mono.h"

struct link;

/* Has the request (CONN_ASKED) answered; the link may be WAITING afterwards. */
void link_answer(struct link *link, struct mono now);
/* The other thread is too late; its answer will find nobody. */
void link_late(struct link *link, struct mono now);

#endif
