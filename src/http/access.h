/* The access record: one log line a request, when it is over. */
#ifndef PIXIE_HTTP_ACCESS_H
#define PIXIE_HTTP_ACCESS_H

#include "base/mono.h"
#include "base/quota.h"
#include "http/clients.h"
#include "http/conn.h"

/*
 * `cut`: the connection ended before the reply did; NULL when all was sent, else
 * why (a constant). What was refused or cut, which costs a stranger nothing, is
 * written within `quota`.
 */
void access_record(const struct exchange *x, struct client *client, const char *cut,
	struct quota *quota, struct mono now);
/* The end of `quota`. */
void access_end(struct quota *quota);

#endif
