/*
 * What a connection without a socket does with bodies, with answers that come later,
 * and with replies that have no end.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "http/conn.h"
#include "http/stream.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static const struct mono now = {MONO_S(1000)};
static unsigned streams; /* that live */

struct talk {
	struct conn conn;
	struct inbox_pool pool;
	char out[32768];
	size_t out_len;
	char bodies[8][16]; /* of the requests, in order; "-" for none */
	unsigned requests;
};

static void
start(struct talk *t)
{
	memset(t, 0, sizeof(*t));
	conn_init(&t->conn, &conn_limits_default, &t->pool, now);
}

static void
stop(struct talk *t)
{
	conn_deinit(&t->conn);
	inbox_pool_deinit(&t->pool);
	assert_int_equal(streams, 0);
}

static void
stream_end(struct stream *s)
{
	streams--;
	free(s);
}

static struct stream *
stream_begin(void)
{
	struct stream *s = calloc(1, sizeof(*s));

	s->free = stream_end;
	streams++;
	return s;
}

/* /later is answered by nobody yet, /stream has no end, all else is a line. */
static void
answer(struct talk *t)
{
	const struct request *req = conn_request(&t->conn);
	struct span body = req->body.p ? req->body : (struct span){"-", 1};
	struct reply r = {0};

	assert_true(t->requests < COUNT(t->bodies));
	snprintf(t->bodies[t->requests++], 16, "%.*s", (int)body.len, body.p);
	reply_text(&r, req->bad ? req->bad : 200, "%s", req->bad ? req->why : "yes");
	if (req->bad == 0 && strcmp(req->path.p, "/later") == 0) {
		conn_defer(&t->conn, now);
		return;
	}
	if (req->bad == 0 && strcmp(req->path.p, "/stream") == 0) {
		r.stream = stream_begin();
		r.type = "text/event-stream";
	}
	conn_reply(&t->conn, &r, DATE, now);
}

static void
drain(struct talk *t, size_t most)
{
	struct output o = conn_output(&t->conn);
	size_t n = o.head_len < most ? o.head_len : most;

	assert_true(n > 0 && o.content == NULL);
	memcpy(t->out + t->out_len, o.head, n);
	t->out_len += n;
	conn_sent(&t->conn, n, now);
}

static void
run(struct talk *t)
{
	for (;;)
		switch (t->conn.state) {
		case CONN_ASKED:
			answer(t);
			break;
		case CONN_SENDING:
			drain(t, SIZE_MAX);
			break;
		case CONN_SENT:
			conn_next(&t->conn, now);
			break;
		default:
			return;
		}
}

static size_t
say(struct talk *t, const char *text, size_t step)
{
	size_t len = strlen(text), said = 0;

	while (said < len) {
		size_t room, n = len - said < step ? len - said : step;
		void *space = conn_space(&t->conn, &room);

		if (space == NULL)
			break;
		n = n < room ? n : room;
		memcpy(space, text + said, n);
		said += n;
		conn_received(&t->conn, n, now);
		run(t);
	}
	return said;
}

#define PUT(body) "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n" body
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* Pipelined, and however the bytes were cut. */
static void
short_bodies_are_kept(void **state)
{
	for (size_t step = 1; step < 200; step++) {
		struct talk t;

		start(&t);
		say(&t, PUT("first") PUT("other") GET("/x") PUT("third"), step);
		assert_int_equal(t.requests, 4);
		assert_string_equal(t.bodies[0], "first");
		assert_string_equal(t.bodies[1], "other");
		assert_string_equal(t.bodies[2], "-");
		assert_string_equal(t.bodies[3], "third");
		assert_int_equal(t.conn.state, CONN_IDLE);
		assert_null(t.conn.inbox);
		stop(&t);
	}
}

/* The longest body behind the longest head, and one byte more. */
static void
kept_bodies_are_bounded(void **state)
{
	static char text[HEAD_MAX + 2 * BODY_KEPT_MAX];

	for (int over = 0; over < 2; over++) {
		struct talk t;
		int n = sprintf(text,
			"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nX: ",
			BODY_KEPT_MAX + over);

		memset(text + n, 'x', (size_t)(HEAD_MAX - 4 - n));
		strcpy(text + HEAD_MAX - 4, "\r\n\r\n");
		memset(text + HEAD_MAX, 'b', (size_t)(BODY_KEPT_MAX + over));
		text[HEAD_MAX + BODY_KEPT_MAX + over] = '\0';
		start(&t);
		assert_int_equal(say(&t, text, SIZE_MAX), strlen(text));
		assert_int_equal(t.requests, 1);
		assert_string_equal(t.bodies[0], over ? "-" : "bbbbbbbbbbbbbbb");
		assert_int_equal(t.conn.state, CONN_IDLE);
		stop(&t);
	}
}

/* Nothing is read meanwhile, the request stays, and what was pipelined comes after. */
static void
an_answer_comes_later(void **state)
{
	struct reply r = {0};
	struct talk t;
	size_t room;

	start(&t);
	say(&t, GET("/later") GET("/x"), SIZE_MAX);
	assert_int_equal(t.conn.state, CONN_WAITING);
	assert_int_equal(t.out_len, 0);
	assert_null(conn_space(&t.conn, &room));
	assert_string_equal(conn_request(&t.conn)->path.p, "/later");
	reply_text(&r, 202, "in the end");
	conn_reply(&t.conn, &r, DATE, now);
	run(&t);
	assert_memory_equal(t.out, "HTTP/1.1 202 Accepted\r\n", 23);
	assert_non_null(strstr(t.out, "in the end\nHTTP/1.1 200 OK\r\n"));
	assert_int_equal(t.conn.state, CONN_IDLE);
	stop(&t);
}

static void
nobody_waits_for_ever(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET("/later"), SIZE_MAX);
	assert_true(t.conn.deadline.us < MONO_NEVER.us);
	conn_timeout(&t.conn, 0, t.conn.deadline);
	assert_int_equal(t.conn.state, CONN_CLOSED);
	stop(&t);
}

static void
append(struct talk *t, const char *text)
{
	conn_append(&t->conn, strdup(text), strlen(text), now);
}

static void
a_stream(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET("/stream"), SIZE_MAX);
	assert_int_equal(t.conn.state, CONN_STREAM);
	assert_int_equal(t.conn.deadline.us, MONO_NEVER.us);
	assert_null(strstr(t.out, "Content-Length"));
	assert_non_null(strstr(t.out, "Content-Type: text/event-stream\r\n"));
	assert_non_null(strstr(t.out, "Connection: close\r\n"));
	t.out_len = 0;
	memset(t.out, 0, sizeof(t.out));
	append(&t, "one two three ");
	drain(&t, 4);
	assert_int_equal(t.conn.state, CONN_SENDING); /* nobody appends yet */
	drain(&t, 100);
	assert_int_equal(t.conn.state, CONN_STREAM);
	append(&t, "four");
	run(&t);
	assert_string_equal(t.out, "one two three four");
	assert_int_equal(t.conn.exchange->sent, 4 + 18); /* with "yes\n" */
	stop(&t);
}

/* Whoever asks more behind a stream is not answered, and not for ever listened to. */
static void
a_stream_is_the_last(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET("/stream") GET("/x"), SIZE_MAX);
	assert_int_equal(t.requests, 1);
	for (int i = 0; i < 100000 && t.conn.state == CONN_STREAM; i++) {
		say(&t, GET("/x"), SIZE_MAX);
		assert_null(t.conn.inbox);
	}
	assert_int_equal(t.conn.state, CONN_CLOSED);
	assert_int_equal(t.requests, 1);
	stop(&t);
}

/* A stream's end is a FIN; one that is cut inside what it says is reset. */
static void
the_end_of_a_stream(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET("/stream"), SIZE_MAX);
	conn_abort(&t.conn);
	assert_false(t.conn.reset);
	stop(&t);
	start(&t);
	say(&t, GET("/stream"), SIZE_MAX);
	append(&t, "half");
	drain(&t, 2);
	conn_abort(&t.conn);
	assert_true(t.conn.reset);
	stop(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_bodies_are_kept),
		cmocka_unit_test(kept_bodies_are_bounded),
		cmocka_unit_test(an_answer_comes_later),
		cmocka_unit_test(nobody_waits_for_ever),
		cmocka_unit_test(a_stream),
		cmocka_unit_test(a_stream_is_the_last),
		cmocka_unit_test(the_end_of_a_stream),
	};

	return cmocka_run_group_tests_name("http conn, later", tests, NULL, NULL);
}
