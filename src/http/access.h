/* The access record: one log line a request, when it is over. */
#ifndef PIXIE_HTTP_ACCESS_H
#define PIXIE_HTTP_ACCESS_H

#include "base/mono.h"
#include "http/clients.h"
#include "http/conn.h"

/*
 * `cut`: the connection ended before the reply did; NULL when all was sent, else
 * why (a constant).
 */
void access_record(const struct exchange *x, struct client *client, const char *cut,
	struct mono now);

#endif
