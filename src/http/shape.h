/* Things of the registry as JSON, in the shapes that doc/openapi.json gives them. */
#ifndef PIXIE_HTTP_SHAPE_H
#define PIXIE_HTTP_SHAPE_H

#include <jansson.h>

#include "machine/registry.h"

#define SHAPE_ID NETADDR_TEXT

/* Any bytes as a JSON string: what is not UTF-8 becomes U+FFFD. NULL and "": null. */
json_t *shape_text(const char *text);
/* RFC 3339 in UTC with milliseconds; 0: null. */
#define SHAPE_TIME 32
const char *shape_time_text(int64_t ms, char buf[static SHAPE_TIME]);
json_t *shape_time(int64_t ms);

/* What a machine is called in URLs: its MAC, else its address. Returns `buf`. */
const char *shape_id(
	const struct mac *mac, const struct netaddr *addr, char buf[static SHAPE_ID]);

/* M without `script` and `transfers`. */
json_t *shape_machine(const struct machine_view *m);
/* B of the last boot; null when there was none. */
json_t *shape_boot(const struct machine_view *m);
/* A verdict, or null without a code. */
json_t *shape_verdict(const char *code, const char *text, const char *next);
json_t *shape_transfer(const struct transfer_view *t);
json_t *shape_event(const struct event *e);

#endif
