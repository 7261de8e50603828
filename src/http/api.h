/*
 * The API under /api/v1/ and /metrics: what pixie knows, for people and programs.
 * doc/openapi.json says what it answers, doc/api.md how it is meant.
 *
 * A request is looked at in its loop (may it ask? is it well formed?), copied, and
 * answered by the clerk's thread; events are made there, too, and streamed by the loop.
 */
#ifndef PIXIE_HTTP_API_H
#define PIXIE_HTTP_API_H

#include "boot/resolve.h"
#include "machine/registry.h"
#include "store/store.h"

struct api;

struct api_options {
	struct registry *registry;
	struct store *store; /* NULL: states are in memory only */
	const struct site *site;
	const char *version;
	const char *token;      /* who has it may change things over TCP; NULL: nobody */
	const char *host_names; /* "a,b": ours besides the host's own; NULL: none */
	bool in_place;          /* no thread: answers are made where they are asked for */
};

/* All of it is borrowed and outlives the API. NULL: no memory or no thread. */
struct api *api_new(const struct api_options *options);
/*
 * Its thread ends, what was asked is answered: when no loop runs any more, before the
 * store is closed and before any loop is freed. NULL is fine.
 */
void api_stop(struct api *api);
/* After the HTTP servers are freed and the store is closed. NULL is fine. */
void api_free(struct api *api);

#endif
