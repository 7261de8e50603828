#include "http/conn.h"

#include <assert.h>
#include <stdlib.h>

#include "http/stream.h"

/*
 * iPXE and EDK2 send a head in one packet, so 20 s is generous even for a link
 * that loses; what takes longer holds a descriptor on purpose. iPXE was seen to
 * reuse a connection after five seconds of idling, a person reading its menu
 * takes longer. A reader that takes nothing for a minute has been switched off, and
 * one that takes 100 bytes a second, a tenth of the slowest line anyone boots over,
 * keeps a connection on purpose.
 */
const struct conn_limits conn_limits_default = {
	.stay = {[CONN_IDLE] = MONO_S(75),
		[CONN_HEAD] = MONO_S(20),
		[CONN_BODY] = MONO_S(20),
		[CONN_WAITING] = MONO_S(10),
		[CONN_SENDING] = MONO_S(60),
		[CONN_LINGER] = MONO_S(5)},
	.body_max = 64 * 1024,
	.body_kept = BODY_KEPT_MAX,
	.linger_max = 1024 * 1024,
	.taken_min = 60 * 100,
};

/* So that a head of any length leaves room for a body, kept or thrown away. */
#define INBOX_SIZE (HEAD_MAX + BODY_KEPT_MAX)
#define INBOXES_KEPT 16

struct inbox {
	struct inbox *next; /* in the pool */
	struct scan scan;
	struct request req;
	size_t head_len; /* of the request that is ASKED */
	size_t kept;     /* of its body, behind the head */
	size_t len;
	char bytes[INBOX_SIZE];
};

/* Ready for the next request, of which `len` bytes are here. */
static void
inbox_clear(struct inbox *box)
{
	box->scan = (struct scan){0};
	box->req = (struct request){0};
	box->head_len = 0;
	box->kept = 0;
}

static struct inbox *
inbox_get(struct inbox_pool *pool)
{
	struct inbox *box = pool->free;

	if (box != NULL) {
		pool->free = box->next;
		pool->kept--;
	} else
		box = malloc(sizeof(*box));
	if (box == NULL)
		return NULL;
	inbox_clear(box);
	box->len = 0;
	return box;
}

static void
inbox_put(struct inbox_pool *pool, struct inbox *box)
{
	if (box == NULL)
		return;
	if (pool->kept >= INBOXES_KEPT) {
		free(box);
		return;
	}
	box->next = pool->free;
	pool->free = box;
	pool->kept++;
}

void
inbox_pool_deinit(struct inbox_pool *pool)
{
	for (struct inbox *box; (box = pool->free) != NULL;) {
		pool->free = box->next;
		free(box);
	}
	pool->kept = 0;
}

static void
release_inbox(struct conn *c)
{
	inbox_put(c->pool, c->inbox);
	c->inbox = NULL;
}

static void
drop_exchange(struct conn *c)
{
	if (c->exchange == NULL)
		return;
	content_unref(c->exchange->content);
	stream_free(c->exchange->stream);
	free(c->exchange->more);
	free(c->exchange);
	c->exchange = NULL;
}

static struct mono
stay_until(const struct conn *c, enum conn_state state, struct mono now)
{
	int64_t stay = c->limits->stay[state];

	return stay ? mono_after(now, stay) : MONO_NEVER;
}

/* The one place where the state changes and its deadline is set. */
static void
enter(struct conn *c, enum conn_state state, struct mono now)
{
	/* From which states each may be entered; a bug of ours, not of a client's. */
	static const unsigned from[CONN_STATES] = {
		[CONN_IDLE] = 1 << CONN_SENT,
		[CONN_HEAD] = 1 << CONN_IDLE | 1 << CONN_SENT,
		[CONN_BODY] = 1 << CONN_HEAD,
		[CONN_ASKED] = 1 << CONN_HEAD | 1 << CONN_BODY,
		[CONN_WAITING] = 1 << CONN_ASKED,
		[CONN_SENDING] = 1 << CONN_ASKED | 1 << CONN_WAITING | 1 << CONN_SENDING |
				 1 << CONN_STREAM,
		[CONN_STREAM] = 1 << CONN_SENDING,
		[CONN_SENT] = 1 << CONN_SENDING,
		[CONN_LINGER] = 1 << CONN_SENT,
		[CONN_CLOSED] = ~0u,
	};

	assert(from[state] & 1u << c->state);
	c->state = state;
	c->deadline = stay_until(c, state, now);
}

void
conn_init(struct conn *c, const struct conn_limits *limits, struct inbox_pool *pool,
	struct mono now)
{
	*c = (struct conn){.limits = limits, .pool = pool, .state = CONN_HEAD};
	c->deadline = stay_until(c, CONN_HEAD, now);
}

void
conn_deinit(struct conn *c)
{
	release_inbox(c);
	drop_exchange(c);
}

void *
conn_space(struct conn *c, size_t *room)
{
	bool wants = c->state == CONN_IDLE || c->state == CONN_HEAD ||
		     c->state == CONN_BODY || c->state == CONN_LINGER ||
		     c->state == CONN_STREAM;

	*room = 0;
	if (wants && c->inbox == NULL)
		c->inbox = inbox_get(c->pool);
	if (wants && c->inbox == NULL)
		conn_abort(c);
	if (!wants || c->inbox == NULL)
		return NULL;
	*room = INBOX_SIZE - c->inbox->len;
	if (c->state == CONN_BODY && c->skip < *room)
		*room = c->skip; /* not into the next request: its place is taken */
	return c->inbox->bytes + c->inbox->len;
}

/* It cannot be told, or will not be read, where the next request would begin. */
static void
end_unread(struct conn *c)
{
	c->ending = true;
	c->unread = true;
}

static void
refuse(struct conn *c, int status, const char *why, struct mono now)
{
	c->inbox->req.bad = status;
	c->inbox->req.why = why;
	end_unread(c);
	enter(c, CONN_ASKED, now);
}

/* The body is here, or as much of it as anybody wants. */
static void
end_body(struct conn *c, struct mono now)
{
	struct inbox *box = c->inbox;

	if (box->kept > 0)
		box->req.body = (struct span){box->bytes + box->head_len, box->kept};
	enter(c, CONN_ASKED, now);
}

/* The `here` bytes of it behind the head make room for the next request. */
static void
throw_away(struct inbox *box, size_t here)
{
	box->len -= here;
	memmove(box->bytes + box->head_len, box->bytes + box->head_len + here,
		box->len - box->head_len);
}

/*
 * A body is kept when it is short, and thrown away when it is not, so that the
 * connection lives on. With Expect (RFC 9110 §10.1.1) the final status is the answer,
 * and whether a body then follows is the client's choice, so the connection ends.
 */
static void
begin_body(struct conn *c, struct mono now)
{
	struct inbox *box = c->inbox;
	size_t here = box->len - box->head_len;

	if (box->req.body_len > c->limits->body_max) {
		refuse(c, 413, "request body too large", now);
		return;
	}
	if (box->req.expects && box->req.body_len > 0) {
		end_unread(c);
		enter(c, CONN_ASKED, now);
		return;
	}
	if (here > box->req.body_len)
		here = box->req.body_len;
	c->skip = box->req.body_len - here;
	if (box->req.body_len <= c->limits->body_kept)
		box->kept = box->req.body_len;
	else
		throw_away(box, here);
	if (c->skip == 0)
		end_body(c, now);
	else
		enter(c, CONN_BODY, now);
}

static void
take_head(struct conn *c, struct mono now)
{
	struct inbox *box = c->inbox;

	request_parse(&box->req, box->bytes, box->head_len, &box->scan);
	if (box->req.bad != 0) {
		refuse(c, box->req.bad, box->req.why, now);
		return;
	}
	c->ending = !box->req.keep_alive;
	begin_body(c, now);
}

static void
advance_head(struct conn *c, struct mono now)
{
	struct inbox *box = c->inbox;

	if (c->state == CONN_IDLE)
		enter(c, CONN_HEAD, now);
	switch (request_scan(
		&box->scan, box->bytes, box->len, &box->head_len, &box->req)) {
	case SCAN_MORE:
		break;
	case SCAN_HEAD:
		take_head(c, now);
		break;
	case SCAN_BAD:
		refuse(c, box->req.bad, box->req.why, now);
		break;
	}
}

void
conn_received(struct conn *c, size_t n, struct mono now)
{
	if (n == 0) {
		if (c->inbox->len == 0)
			release_inbox(c);
		return;
	}
	switch (c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
		c->inbox->len += n;
		advance_head(c, now);
		break;
	case CONN_BODY:
		c->skip -= n;
		if (c->inbox->kept > 0)
			c->inbox->len += n;
		if (c->skip == 0)
			end_body(c, now);
		break;
	case CONN_STREAM: /* what it asks now is never answered */
	case CONN_LINGER:
		c->skip -= n < c->skip ? n : c->skip;
		release_inbox(c);
		if (c->skip == 0)
			enter(c, CONN_CLOSED, now);
		break;
	default:
		assert(!"bytes that nobody asked for");
	}
}

bool
conn_amid(const struct conn *c)
{
	return c->state == CONN_BODY ||
	       (c->state == CONN_HEAD && c->inbox != NULL && c->inbox->len > 0);
}

void
conn_eof(struct conn *c, struct mono now)
{
	enter(c, CONN_CLOSED, now);
}

const struct request *
conn_request(const struct conn *c)
{
	assert(c->state == CONN_ASKED || c->state == CONN_WAITING);
	return &c->inbox->req;
}

void
conn_defer(struct conn *c, struct mono now)
{
	enter(c, CONN_WAITING, now);
}

enum { KEEP_PATH = 512, KEEP_RANGE = 64, KEEP_AGENT = 128, KEEP_WHY = 256 };

#define KEEP_ALL (KEEP_PATH + KEEP_RANGE + KEEP_AGENT + KEEP_WHY + REPLY_SERVED_MAX + 5)

/* Writes a span as a string, cut to `max` bytes; returns where, 0 for none. */
static uint16_t
keep(struct writer *w, struct span s, size_t max)
{
	size_t at = w->len;

	if (s.p == NULL || s.len == 0)
		return 0;
	wr_mem(w, s.p, s.len < max ? s.len : max);
	wr_u8(w, 0);
	return (uint16_t)at;
}

/* What the record needs of request and reply once both are gone. */
static void
keep_record(struct exchange *x, struct writer *w, const struct request *req,
	const struct reply *r)
{
	x->method = req->method;
	x->status = r->status;
	x->is_quiet = r->is_quiet;
	x->path = keep(w, req->path, KEEP_PATH);
	x->range = keep(w, req->range, KEEP_RANGE);
	x->agent = keep(w, req->user_agent, KEEP_AGENT);
	x->served = keep(w, (struct span){r->served, strlen(r->served)}, KEEP_PATH);
	if (r->status >= 400 && r->text_len > 0) /* without its newline */
		x->why = keep(w, (struct span){r->text, r->text_len - 1}, KEEP_WHY);
}

/* What follows the head: nothing to HEAD, a part of the content, or the text. */
static void
keep_body(
	struct exchange *x, struct writer *w, const struct request *req, struct reply *r)
{
	if (req->method == METHOD_HEAD)
		return;
	if (!reply_sends_content(r)) {
		x->text_len = (uint16_t)reply_body_len(r);
		wr_mem(w, r->text, x->text_len);
	} else if (r->len > 0) {
		x->content = r->content;
		x->off = r->off;
		x->left = r->len;
		r->content = NULL;
	}
}

/*
 * All of a reply but the content, in one block of just its size: that is what a
 * slow reader costs.
 */
static struct exchange *
exchange_new(const struct request *req, struct reply *r, const char *date)
{
	char bytes[REPLY_HEAD_MAX + REPLY_TEXT_MAX + KEEP_ALL];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct exchange made = {0}, *x;

	reply_head(&w, r, req, date);
	made.head_len = (uint16_t)w.len;
	keep_body(&made, &w, req, r);
	keep_record(&made, &w, req, r);
	assert(!w.bad);
	x = malloc(sizeof(*x) + w.len);
	if (x == NULL) {
		content_unref(made.content);
		return NULL;
	}
	made.stream = r->stream;
	r->stream = NULL;
	*x = made;
	memcpy(x->bytes, bytes, w.len);
	return x;
}

const char *
exchange_note(const struct exchange *x, uint16_t at)
{
	return at ? x->bytes + at : NULL;
}

/* Takes the answered request out of the inbox, and the inbox back if it is empty. */
static void
drop_request(struct conn *c)
{
	struct inbox *box = c->inbox;

	box->len -= box->head_len + box->kept;
	if (box->len == 0 || c->ending) {
		release_inbox(c);
		return;
	}
	memmove(box->bytes, box->bytes + box->head_len + box->kept, box->len);
	inbox_clear(box);
}

void
conn_reply(struct conn *c, struct reply *r, const char *date, struct mono now)
{
	assert(c->state == CONN_ASKED || c->state == CONN_WAITING);
	assert(c->exchange == NULL);
	c->ending |= r->close || r->stream != NULL; /* its end is the connection's */
	r->close = c->ending;
	c->exchange = exchange_new(&c->inbox->req, r, date);
	reply_done(r);
	drop_request(c);
	if (c->exchange == NULL) {
		c->reset = true;
		enter(c, CONN_CLOSED, now);
		return;
	}
	c->exchange->began = now;
	c->skip = c->limits->linger_max;
	enter(c, CONN_SENDING, now);
}

struct output
conn_output(const struct conn *c)
{
	const struct exchange *x = c->exchange;
	size_t all = (size_t)x->head_len + x->text_len;

	assert(c->state == CONN_SENDING);
	if (x->more != NULL)
		return (struct output){
			x->more + x->more_at, x->more_len - x->more_at, NULL, 0, 0};
	return (struct output){x->bytes + x->head_at, all - x->head_at, x->content,
		x->off, x->left, x->tried};
}

void
conn_append(struct conn *c, char *text, size_t len, struct mono now)
{
	struct exchange *x = c->exchange;

	assert(c->state == CONN_STREAM && x->more == NULL && len > 0);
	x->more = text;
	x->more_len = len;
	x->more_at = 0;
	enter(c, CONN_SENDING, now);
}

static void
sent_more(struct conn *c, size_t n, struct mono now)
{
	struct exchange *x = c->exchange;

	x->more_at += n;
	x->sent += n;
	if (x->more_at < x->more_len)
		return;
	free(x->more);
	x->more = NULL;
	enter(c, CONN_STREAM, now);
}

void
conn_sent(struct conn *c, size_t n, struct mono now)
{
	struct exchange *x = c->exchange;
	size_t head = (size_t)(x->head_len + x->text_len - x->head_at);

	c->written += n;
	x->tried = true;
	if (x->more != NULL) {
		sent_more(c, n, now);
		return;
	}
	if (n < head)
		head = n;
	x->head_at = (uint16_t)(x->head_at + head);
	x->off += n - head;
	x->left -= n - head;
	x->sent += n - head;
	if (x->left == 0 && x->head_at == x->head_len + x->text_len) {
		x->sent += x->text_len;
		enter(c, x->stream ? CONN_STREAM : CONN_SENT, now);
	}
}

void
conn_next(struct conn *c, struct mono now)
{
	drop_exchange(c);
	if (c->ending && c->unread) {
		enter(c, CONN_LINGER, now);
	} else if (c->ending)
		enter(c, CONN_CLOSED, now);
	else if (c->inbox != NULL) {
		enter(c, CONN_HEAD, now);
		advance_head(c, now);
	} else
		enter(c, CONN_IDLE, now);
}

/*
 * Whether the client still reads, by what it took since that was last looked at. The
 * first time of a reply this may count what it took of earlier ones: that is kind.
 */
static bool
goes_on_reading(struct conn *c, uint64_t held)
{
	uint64_t taken = held < c->written ? c->written - held : 0;
	bool enough = taken >= c->taken + c->limits->taken_min;

	c->taken = taken;
	return enough;
}

void
conn_timeout(struct conn *c, uint64_t held, struct mono now)
{
	if (conn_amid(c))
		refuse(c, 408, "request took too long to arrive", now);
	else if (c->state == CONN_SENDING && goes_on_reading(c, held))
		enter(c, CONN_SENDING, now);
	else
		conn_abort(c);
}

void
conn_abort(struct conn *c)
{
	c->reset = c->state == CONN_SENDING;
	enter(c, CONN_CLOSED, (struct mono){0});
}
