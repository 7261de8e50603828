/* From a request to the handler that answers it. */
#ifndef PIXIE_HTTP_ROUTE_H
#define PIXIE_HTTP_ROUTE_H

#include <time.h>

#include "boot/resolve.h"
#include "http/parse.h"
#include "http/reply.h"

struct api; /* http/api.h */
struct loop;

/* All a handler may know. A handler fills the (zeroed) reply and never fails. */
struct visit {
	const struct site *site;
	struct api *api;   /* NULL: none */
	struct loop *loop; /* for struct later */
	const struct request *req;
	const struct who *who;      /* who asks, as far as identify() knows */
	const struct netaddr *peer; /* and from where; port 0 */
	bool control;               /* by the Unix socket */
	struct netaddr reached;     /* how the client reached us, with the port */
	time_t now;
};

/* Answers whatever was asked, refused requests included. */
void route_answer(const struct visit *v, struct reply *r);

/* The handler families, each in a file of its name. */
void files_answer(const struct visit *v, struct reply *r);
void page_answer(const struct visit *v, struct reply *r);
void page_file_answer(const struct visit *v, struct reply *r);
void done_answer(const struct visit *v, struct reply *r);
/* Whether the page may be shown under this Host; else that is the answer. */
bool api_knows_host(const struct visit *v, struct reply *r);
void api_answer(const struct visit *v, struct reply *r);
void metrics_answer(const struct visit *v, struct reply *r);

#endif
