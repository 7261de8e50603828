/* /events: what happens, as it happens, as server-sent events. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "boot/name.h"
#include "http/api_inside.h"
#include "http/feed.h"
#include "http/shape.h"
#include "http/stream.h"

#define HEARTBEAT MONO_S(15)
/* A reader gets at most so many bytes of progress a second, however many transfers. */
#define PROGRESS_PACE (128 * 1024)

struct events {
	struct stream stream;
	struct api *api;
	struct netaddr host;
	uint64_t cursor;
	uint64_t progress_seen;
	struct mono progress_next, spoke;
};

/* True: what is to be said is being made. */
static bool
add_progress(struct events *e, struct text *out, struct mono now)
{
	size_t before = out->len;
	int64_t pause;

	if (!mono_reached(e->progress_next, now))
		return false;
	if (feed_progress(e->api->feed, &e->progress_seen, out, now))
		return true;
	pause = (int64_t)(out->len - before) * MONO_S(1) / PROGRESS_PACE;
	e->progress_next = mono_after(now, pause > FEED_PROGRESS ? pause : FEED_PROGRESS);
	return false;
}

/* A comment, so that whatever is between us and the reader does not take it for dead. */
static void
add_heartbeat(struct events *e, struct text *out, struct mono now)
{
	static const char beat[] = ": pixie is here\n\n";

	if (out->len == 0 && mono_since(now, e->spoke) >= HEARTBEAT)
		text_add(out, beat, sizeof(beat) - 1);
	if (out->len > 0)
		e->spoke = now;
}

static char *
more(struct stream *stream, size_t *len, struct mono now)
{
	struct events *e = (struct events *)stream;
	struct text out = {0};

	stream->is_hungry = feed_events(e->api->feed, &e->cursor, &out);
	stream->is_hungry |= add_progress(e, &out, now);
	add_heartbeat(e, &out, now);
	if (out.len == 0) {
		free(out.p);
		return NULL;
	}
	*len = out.len;
	return out.p;
}

static void
release(struct stream *stream)
{
	struct events *e = (struct events *)stream;

	readers_leave(&e->api->readers, &e->host);
	free(e);
}

/* Digits and nothing else. */
static bool
number(const char *text, size_t len, uint64_t *out)
{
	uint64_t v = 0;

	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	*out = v;
	return true;
}

/*
 * Where to begin: after Last-Event-ID, which a browser sends when it connects again,
 * else after ?after=N, else now. A number that is not reached yet is of a process
 * before this one: the reader has missed nobody knows how much.
 */
static uint64_t
begin_at(const struct request *req, uint64_t newest, bool *restarted)
{
	uint64_t at = newest;
	char after[24];

	if (!number(req->last_event.p, req->last_event.len, &at) &&
		name_from_query(req->query.p, "after", after, sizeof(after)))
		number(after, strlen(after), &at);
	*restarted = at > newest;
	return *restarted ? 0 : at;
}

static void
say_hello(const struct events *e, bool restarted, struct reply *r)
{
	char started[SHAPE_TIME];
	int n = snprintf(r->text, sizeof(r->text),
		"retry: 2000\n\nevent: hello\ndata: {\"started\":\"%s\",\"seq\":%" PRIu64
		"}\n\n%s",
		shape_time_text(e->api->started_ms, started), e->cursor,
		restarted ? "event: lost\ndata: {\"lost\":0}\n\n" : "");

	r->status = 200;
	r->type = "text/event-stream";
	r->is_quiet = true;
	r->fields = "Cache-Control: no-store\r\n"
		    "X-Content-Type-Options: nosniff\r\n"
		    "X-Accel-Buffering: no\r\n"; /* nginx would hold it back */
	r->text_len = (size_t)n;
}

static void
refuse_reader(enum readers_room room, struct reply *r)
{
	r->retry_after = 5;
	if (room == READERS_ROOM)
		api_refuse(r, 503, "out of memory");
	else if (room == READERS_TOO_MANY_THERE)
		api_refuse(r, 429,
			"%d readers follow the events from your address already",
			READERS_PER_ADDRESS);
	else
		api_refuse(r, 503, "%d readers follow the events already", READERS_MAX);
}

static struct events *
events_new(struct api *api, const struct visit *v)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		readers_leave(&api->readers, v->peer);
		return NULL;
	}
	e->stream = (struct stream){more, release, false};
	e->api = api;
	e->host = *v->peer;
	e->spoke = mono_now();
	return e;
}

void
events_answer(struct api *api, const struct visit *v, struct reply *r)
{
	enum readers_room room = readers_join(&api->readers, v->peer);
	struct events *e = room == READERS_ROOM ? events_new(api, v) : NULL;
	bool restarted;

	if (e == NULL) {
		refuse_reader(room, r);
		return;
	}
	e->cursor = begin_at(v->req, registry_newest(api->o.registry), &restarted);
	say_hello(e, restarted, r);
	if (v->req->method == METHOD_HEAD)
		release(&e->stream);
	else
		r->stream = &e->stream;
}
