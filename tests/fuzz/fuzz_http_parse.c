/*
 * Bytes from a client, through the connection to the requests understood. Fed at
 * once and in pieces they must give the same requests and the same replies.
 */
#include <stdlib.h>
#include <string.h>

#include "http/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* Reads every byte the request points to, so that a sanitizer sees it go astray. */
static uint64_t
digest(uint64_t h, const struct request *req)
{
	const struct span *spans[] = {&req->path, &req->query, &req->host, &req->range,
		&req->if_range, &req->if_match, &req->if_none_match,
		&req->if_modified_since, &req->if_unmodified_since, &req->user_agent,
		&req->content_type, &req->authorization, &req->origin, &req->fetch_site,
		&req->last_event, &req->body};

	h = h * 31 + (uint64_t)req->bad * 7 + req->method + req->body_len +
	    (uint64_t)req->keep_alive;
	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++)
		for (size_t j = 0; j < spans[i]->len; j++)
			h = h * 31 + (uint8_t)spans[i]->p[j];
	return h;
}

static void
check(const struct request *req)
{
	struct netaddr at;

	request_host(req, &at);
	require((req->bad != 0) == (req->why != NULL));
	if (req->bad != 0) {
		require(!req->keep_alive);
		return;
	}
	require(req->path.len > 0 && strlen(req->path.p) == req->path.len);
	require(req->path.p[0] == '/' || *req->path.p == '*' ||
		req->method == METHOD_CONNECT);
	require(strlen(req->query.p) == req->query.len);
}

static uint64_t
answer(struct conn *c, uint64_t h)
{
	struct reply r = {0};

	check(conn_request(c));
	h = digest(h, conn_request(c));
	reply_text(&r, conn_request(c)->bad ? conn_request(c)->bad : 404, "no");
	conn_reply(c, &r, "Sun, 06 Nov 1994 08:49:37 GMT", (struct mono){0});
	return h;
}

/* Goes on until the connection wants bytes; returns the digest so far. */
static uint64_t
run(struct conn *c, uint64_t h)
{
	for (;;)
		switch (c->state) {
		case CONN_ASKED:
			h = answer(c, h);
			break;
		case CONN_SENDING: {
			struct output o = conn_output(c);

			for (size_t i = 0; i < o.head_len; i++)
				h = h * 31 + (uint8_t)o.head[i];
			conn_sent(c, o.head_len, (struct mono){0});
			break;
		}
		case CONN_SENT:
			conn_next(c, (struct mono){0});
			break;
		default:
			return h;
		}
}

static uint64_t
talk(const uint8_t *data, size_t size, size_t step)
{
	struct inbox_pool pool = {0};
	struct conn c;
	uint64_t h = 1;
	size_t room, n;
	void *space;

	conn_init(&c, &conn_limits_default, &pool, (struct mono){0});
	while (size > 0 && (space = conn_space(&c, &room)) != NULL) {
		n = size < step ? size : step;
		n = n < room ? n : room;
		memcpy(space, data, n);
		conn_received(&c, n, (struct mono){0});
		h = run(&c, h);
		data += n;
		size -= n;
	}
	conn_deinit(&c);
	inbox_pool_deinit(&pool);
	return h;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size ? 1 + data[0] % 64 : 1;

	if (size > 1)
		require(talk(data + 1, size - 1, size) == talk(data + 1, size - 1, step));
	return 0;
}
