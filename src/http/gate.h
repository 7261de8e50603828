/*
 * Who may ask the API, and who may change things.
 *
 * Reading is open to whoever reaches us, as booting is; but not to web pages of other
 * sites that a browser on our network has open. Such a page betrays itself by Origin
 * or Sec-Fetch-Site; one that had its own name point to our address ("DNS rebinding")
 * by that name in Host. Changing takes the token besides, or the Unix socket, whose
 * file rights have been asked already.
 */
#ifndef PIXIE_HTTP_GATE_H
#define PIXIE_HTTP_GATE_H

#include <pthread.h>

#include "base/quota.h"
#include "http/route.h"

#define GATE_GUESSERS 256

/* Addresses that sent wrong tokens: how often, less one a second since. */
struct guesser {
	struct netaddr host;
	unsigned wrong;
	time_t at;
};

struct gate {
	const char *token; /* "" : no changes over TCP */
	const char *names; /* "pixie,boot.example.net": names of ours */
	char own_name[65]; /* what this host is called */
	pthread_mutex_t lock;
	struct guesser guessers[GATE_GUESSERS];
	struct quota lines; /* of the log, for refusals */
};

/* `token` and `names` are borrowed; NULL is as "". */
void gate_init(struct gate *g, const char *token, const char *names);
void gate_deinit(struct gate *g);

struct refusal {
	int status; /* 0: come in */
	const char *why;
	unsigned retry_after; /* seconds, 0 without */
};

/* Whether the request may be answered at all. */
struct refusal gate_read(struct gate *g, const struct visit *v);
/* Whether it may change something; asks gate_read() too. */
struct refusal gate_change(struct gate *g, const struct visit *v);

/* A line in the log, within its quota, for one whose token is wrong or missing. */
void gate_log(struct gate *g, const struct visit *v, const struct refusal *no);

/* Whether Host is an address, localhost or a name of ours; none at all is fine. */
bool gate_host_is_ours(const struct gate *g, const struct request *req);

#endif
