/* What the files of the HTTP server share, and no one else sees. */
#ifndef PIXIE_HTTP_ENGINE_H
#define PIXIE_HTTP_ENGINE_H

#include <time.h>

#include "base/quota.h"
#include "http/accept.h"
#include "http/clients.h"
#include "http/httpdate.h"
#include "http/link.h"
#include "http/send.h"
#include "http/server.h"

/* What a stream may have in the kernel: beyond that its reader is a slow one. */
#define STREAM_BUFFER (64 * 1024)

struct http_server {
	struct loop *loop;
	const struct site *site;
	const struct conn_limits *limits;
	const struct activity *activity;
	struct api *api;
	struct links queues[CONN_STATES];
	struct loop_timer timer;
	struct mono timer_at;
	struct loop_timer ticker; /* of streams, while there are any */
	unsigned links, links_max, per_client_max;
	struct pace *pace; /* NULL: no limit */
	struct clients clients;
	struct inbox_pool inboxes;
	time_t date_at; /* when `date` was written */
	char date[HTTP_DATE_TEXT];
	bool paused; /* not accepting: at the limit, or out of descriptors */
	struct loop_timer accept_timer;
	struct mono complained;
	struct quota lines; /* of the log, for what is refused */
	uint8_t scratch[SEND_COPY_MAX];
	unsigned nlisteners;
	struct listener listeners[];
};

/* server.c: There is a stream: it is asked for what is new in STREAM_TICK at most. */
void http_tick_later(struct http_server *server);

#endif
