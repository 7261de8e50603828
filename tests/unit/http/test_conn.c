/*
 * Conversations with a connection that has no socket: what comes in, in whatever
 * pieces, and what goes out; and what time does.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "http/conn.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define BODY "0123456789"

struct talk {
	struct conn conn;
	struct inbox_pool pool;
	struct mono now;
	char out[65536]; /* all that was sent */
	size_t out_len;
	unsigned requests;
	char paths[16][64];
	size_t take; /* bytes the client takes at a time */
};

static void
start(struct talk *t)
{
	memset(t, 0, sizeof(*t));
	t->now = (struct mono){MONO_S(1000)};
	t->take = SIZE_MAX;
	conn_init(&t->conn, &conn_limits_default, &t->pool, t->now);
}

static void
stop(struct talk *t)
{
	conn_deinit(&t->conn);
	inbox_pool_deinit(&t->pool);
}

/* The handler: /file is ten bytes of content, /empty none, all else is a 404. */
static void
answer(struct talk *t)
{
	const struct request *req = conn_request(&t->conn);
	struct reply r = {0};

	snprintf(t->paths[t->requests++ % 16], 64, "%.*s",
		(int)(req->path.len < 60 ? req->path.len : 60),
		req->path.p ? req->path.p : "");
	if (req->bad != 0)
		reply_text(&r, req->bad, "%s", req->why);
	else if (strcmp(req->path.p, "/file") == 0)
		reply_content(&r, req,
			content_static(BODY, 10, "application/efi", "tag", 0), 784111777);
	else if (strcmp(req->path.p, "/empty") == 0)
		reply_content(&r, req, content_static("", 0, "text/plain", "none", 0), 1);
	else
		reply_text(&r, 404, "nothing here");
	conn_reply(&t->conn, &r, DATE, t->now);
}

/* Writes what it shows, at most `take` bytes. */
static void
drain(struct talk *t)
{
	struct output o = conn_output(&t->conn);
	char all[8192];
	size_t n = o.head_len;

	memcpy(all, o.head, n);
	if (o.content != NULL)
		assert_int_equal(content_read(o.content, o.off, all + n, o.len), 0);
	n += o.content ? o.len : 0;
	assert_true(n > 0);
	n = n < t->take ? n : t->take;
	memcpy(t->out + t->out_len, all, n);
	t->out_len += n;
	t->out[t->out_len] = '\0';
	conn_sent(&t->conn, n, t->now);
}

/* What a server does until the connection wants bytes from the client. */
static void
run(struct talk *t)
{
	for (;;)
		switch (t->conn.state) {
		case CONN_ASKED:
			answer(t);
			break;
		case CONN_SENDING:
			drain(t);
			break;
		case CONN_SENT:
			conn_next(&t->conn, t->now);
			break;
		default:
			return;
		}
}

/* The client sends `len` bytes, `step` at a time. Returns how many were taken. */
static size_t
say_bytes(struct talk *t, const char *data, size_t len, size_t step)
{
	size_t said = 0;

	while (said < len) {
		size_t room, n = len - said < step ? len - said : step;
		void *space = conn_space(&t->conn, &room);

		if (space == NULL)
			break;
		assert_true(room > 0);
		n = n < room ? n : room;
		memcpy(space, data + said, n);
		said += n;
		conn_received(&t->conn, n, t->now);
		run(t);
	}
	return said;
}

static void
say(struct talk *t, const char *text)
{
	say_bytes(t, text, strlen(text), SIZE_MAX);
}

/* How often `what` was sent. */
static unsigned
heard(const struct talk *t, const char *what)
{
	unsigned n = 0;

	for (const char *p = t->out; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

#define GET_FILE "GET /file HTTP/1.1\r\nHost: a\r\n\r\n"

static void
get_a_file(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET_FILE);
	assert_string_equal(t.out, "HTTP/1.1 200 OK\r\nDate: " DATE "\r\n"
				   "Server: pixie\r\n"
				   "Content-Type: application/efi\r\n"
				   "Accept-Ranges: bytes\r\nETag: \"tag\"\r\n"
				   "Content-Length: 10\r\n\r\n" BODY);
	assert_int_equal(t.conn.state, CONN_IDLE);
	assert_null(t.conn.inbox); /* an idle connection holds no buffer */
	assert_null(t.conn.exchange);
	stop(&t);
}

static void
edk2_head_then_get(void **state)
{
	struct talk t;
	size_t head;

	start(&t);
	say(&t, "HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n");
	head = t.out_len;
	assert_int_equal(t.conn.state, CONN_IDLE);
	assert_string_equal(t.out + head - 4, "\r\n\r\n");
	say(&t, GET_FILE);
	/* The same head byte for byte, then the body. */
	assert_memory_equal(t.out, t.out + head, head);
	assert_string_equal(t.out + 2 * head, BODY);
	assert_int_equal(t.conn.state, CONN_IDLE);
	stop(&t);
}

static void
edk2_type_has_no_parameters(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET_FILE);
	assert_int_equal(heard(&t, "\r\nContent-Type: application/efi\r\n"), 1);
	stop(&t);
}

static void
ipxe_reuses_after_five_seconds(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET_FILE);
	t.now = mono_after(t.now, MONO_S(5));
	assert_false(mono_reached(t.conn.deadline, t.now));
	say(&t, GET_FILE);
	assert_int_equal(heard(&t, BODY), 2);
	stop(&t);
}

static void
a_part_of_a_file(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\n\r\n");
	assert_int_equal(heard(&t, "206 Partial Content"), 1);
	assert_int_equal(heard(&t, "\r\nContent-Range: bytes 2-4/10\r\n"), 1);
	assert_int_equal(heard(&t, "\r\nContent-Length: 3\r\n"), 1);
	assert_int_equal(heard(&t, "\r\n\r\n234"), 1);
	stop(&t);
}

static void
past_the_end_of_a_file(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=10-\r\n\r\n");
	assert_int_equal(heard(&t, "416 Range Not Satisfiable"), 1);
	assert_int_equal(heard(&t, "\r\nContent-Range: bytes */10\r\n"), 1);
	assert_int_equal(heard(&t, "ETag"), 0);
	assert_int_equal(t.conn.state, CONN_IDLE);
	stop(&t);
}

static void
not_modified_has_no_body(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "GET /file HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"tag\"\r\n\r\n");
	assert_int_equal(heard(&t, "304 Not Modified"), 1);
	assert_int_equal(heard(&t, "ETag: \"tag\""), 1);
	assert_int_equal(heard(&t, "Content-"), 0);
	assert_string_equal(t.out + t.out_len - 4, "\r\n\r\n");
	stop(&t);
}

static void
an_empty_file(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n" GET_FILE);
	assert_int_equal(heard(&t, "\r\nContent-Length: 0\r\n"), 1);
	assert_int_equal(heard(&t, BODY), 1);
	stop(&t);
}

static void
errors_to_head_have_no_body(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "HEAD /no HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(heard(&t, "404 Not Found"), 1);
	assert_int_equal(heard(&t, "\r\nContent-Length: 13\r\n"), 1);
	assert_int_equal(heard(&t, "nothing here"), 0);
	stop(&t);
}

static void
http10(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "GET /file HTTP/1.0\r\n\r\n");
	assert_int_equal(heard(&t, "\r\nConnection: close\r\n"), 1);
	assert_int_equal(t.conn.state, CONN_CLOSED);
	assert_false(t.conn.reset);
	stop(&t);
	start(&t);
	say(&t, "GET /file HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_int_equal(heard(&t, "\r\nConnection: keep-alive\r\n"), 1);
	assert_int_equal(t.conn.state, CONN_IDLE);
	stop(&t);
}

/* Any conversation, however it is cut, gives the same bytes. */
static const char conversation[] =
	"GET /file HTTP/1.1\r\nHost: a\r\n\r\n"
	"POST /file HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n"
	"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n!"
	"\r\n"
	"HEAD /file HTTP/1.1\nHost: a\n\n"
	"GET /file?query HTTP/1.1\r\nHost: a\r\nRange: bytes=-3\r\n\r\n"
	"GET /missing HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	"GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	"GET /after-close HTTP/1.1\r\nHost: a\r\n\r\n";

static void
pieces_do_not_matter(void **state)
{
	static const size_t steps[] = {1, 2, 3, 7, 16, 50, 100, 300, SIZE_MAX};
	struct talk whole, t;

	start(&whole);
	say(&whole, conversation);
	assert_int_equal(whole.requests, 6);
	assert_string_equal(whole.paths[2], "/file");
	assert_int_equal(heard(&whole, "smuggled"), 0);
	assert_int_equal(whole.conn.state, CONN_CLOSED);
	for (size_t i = 0; i < COUNT(steps); i++)
		for (size_t take = 1; take < 2000; take = take * 3 + 1) {
			start(&t);
			t.take = take;
			say_bytes(&t, conversation, strlen(conversation), steps[i]);
			assert_int_equal(t.requests, whole.requests);
			assert_int_equal(t.out_len, whole.out_len);
			assert_memory_equal(t.out, whole.out, whole.out_len);
			stop(&t);
		}
	stop(&whole);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4 HT");
	assert_int_equal(t.requests, 3);
	assert_string_equal(t.paths[0], "/1");
	assert_string_equal(t.paths[2], "/3");
	assert_int_equal(t.conn.state, CONN_HEAD);
	say(&t, "TP/1.1\r\nHost: a\r\n\r\n");
	assert_string_equal(t.paths[3], "/4");
	assert_int_equal(t.conn.state, CONN_IDLE);
	assert_null(t.conn.inbox);
	stop(&t);
}

static void
a_bad_request_ends_the_connection(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "GET /file HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(t.requests, 1);
	assert_int_equal(heard(&t, "501 Not Implemented"), 1);
	assert_int_equal(heard(&t, "\r\nConnection: close\r\n"), 1);
	/* Our half is shut and the rest read, so that no RST eats the answer. */
	assert_int_equal(t.conn.state, CONN_LINGER);
	say(&t, "more of it");
	assert_int_equal(t.conn.state, CONN_LINGER);
	assert_null(t.conn.inbox);
	conn_eof(&t.conn, t.now);
	assert_int_equal(t.conn.state, CONN_CLOSED);
	assert_false(t.conn.reset);
	stop(&t);
}

static void
lingering_is_bounded(void **state)
{
	static char junk[65536];
	struct talk t;
	size_t said = 0, n;

	memset(junk, 'x', sizeof(junk));
	start(&t);
	say(&t, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
	while ((n = say_bytes(&t, junk, sizeof(junk), SIZE_MAX)) > 0)
		said += n;
	assert_int_equal(t.conn.state, CONN_CLOSED);
	assert_in_range(said, conn_limits_default.linger_max,
		conn_limits_default.linger_max + 65536);
	stop(&t);
}

/* Found by the fuzzer: the record of the second told the path of the first. */
static void
a_refused_request_knows_nothing_of_the_last(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET_FILE "\x01");
	assert_int_equal(t.requests, 2);
	assert_string_equal(t.paths[0], "/file");
	assert_string_equal(t.paths[1], "");
	assert_int_equal(heard(&t, "400 Bad Request"), 1);
	stop(&t);
}

static void
too_large_a_head(void **state)
{
	static char text[20000];
	struct talk t;

	memset(text, 'x', sizeof(text));
	memcpy(text, "GET /", 5);
	start(&t);
	say_bytes(&t, text, sizeof(text), 100);
	assert_int_equal(heard(&t, "414 URI Too Long"), 1);
	assert_int_equal(t.conn.state, CONN_LINGER);
	stop(&t);
}

static void
a_body_is_thrown_away_when_short(void **state)
{
	static char body[65536];
	struct talk t;

	memset(body, 'G', sizeof(body));
	start(&t);
	say(&t, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n");
	assert_int_equal(t.conn.state, CONN_BODY);
	assert_int_equal(say_bytes(&t, body, sizeof(body), 1000), sizeof(body));
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.conn.state, CONN_IDLE);
	say(&t, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n");
	assert_int_equal(heard(&t, "413 Content Too Large"), 1);
	assert_int_equal(t.conn.state, CONN_LINGER);
	stop(&t);
}

static void
curl_expects_100_gets_the_final_status(void **state)
{
	struct talk t;

	start(&t);
	say(&t, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
		"Expect: 100-continue\r\n\r\n");
	assert_int_equal(t.requests, 1);
	assert_int_equal(heard(&t, "\r\nConnection: close\r\n"), 1);
	assert_int_equal(t.conn.state, CONN_LINGER);
	stop(&t);
}

static void
pass(struct talk *t, int64_t us)
{
	t->now = mono_after(t->now, us);
	if (mono_reached(t->conn.deadline, t->now))
		conn_timeout(&t->conn, 0, t->now);
	run(t);
}

static void
slowloris_gets_408(void **state)
{
	struct talk t;

	start(&t);
	for (int i = 0; i < 30 && t.conn.state == CONN_HEAD; i++) {
		say(&t, "X");
		pass(&t, MONO_S(1)); /* bytes that trickle in do not prolong it */
	}
	assert_true(mono_since(t.now, (struct mono){MONO_S(1000)}) <= MONO_S(21));
	assert_int_equal(heard(&t, "408 Request Timeout"), 1);
	assert_int_equal(t.conn.state, CONN_LINGER);
	pass(&t, MONO_S(5));
	assert_int_equal(t.conn.state, CONN_CLOSED);
	stop(&t);
}

static void
silence_is_closed_without_a_word(void **state)
{
	struct talk t;

	start(&t);
	pass(&t, MONO_S(21));
	assert_int_equal(t.conn.state, CONN_CLOSED);
	stop(&t);
	start(&t);
	say(&t, GET_FILE);
	t.out_len = 0;
	pass(&t, MONO_S(74));
	assert_int_equal(t.conn.state, CONN_IDLE);
	pass(&t, MONO_S(2));
	assert_int_equal(t.conn.state, CONN_CLOSED);
	assert_false(t.conn.reset);
	assert_int_equal(t.out_len, 0);
	stop(&t);
}

static void
ask_only(struct talk *t, const char *text)
{
	size_t room;

	memcpy(conn_space(&t->conn, &room), text, strlen(text));
	conn_received(&t->conn, strlen(text), t->now);
	assert_int_equal(t->conn.state, CONN_ASKED);
}

static void
ask(struct talk *t, const char *text)
{
	ask_only(t, text);
	answer(t);
}

/* Asks, and is answered with all of `content`. */
static void
ask_for(struct talk *t, struct content *content)
{
	struct reply r = {0};

	ask_only(t, GET_FILE);
	reply_content(&r, conn_request(&t->conn), content, 0);
	conn_reply(&t->conn, &r, DATE, t->now);
}

/* A minute of a reply of 100 kB: written to the socket, and still held by it at its end.
 */
struct minute {
	size_t written, held;
};

static const struct patience {
	const char *what;
	struct minute minutes[4];
	unsigned lives; /* minutes */
} patience[] = {
	{"nothing is ever taken", {{0, 0}}, 0},
	{"a byte a minute", {{1, 0}}, 0},
	{"a byte a minute, after a good one", {{6000, 0}, {1, 0}}, 1},
	{"100 bytes a second", {{6000, 0}, {6000, 0}, {6000, 0}, {6000, 0}}, 4},
	{"one less, at last", {{6000, 0}, {6000, 0}, {5999, 0}}, 2},
	{"it only went into the socket's buffer", {{50000, 50000}}, 0},
	{"the socket is full, but empties",
		{{50000, 40000}, {0, 20000}, {0, 10000}, {0, 10000}}, 3},
	{"and then no longer does", {{50000, 40000}, {0, 20000}, {0, 15000}}, 2},
	{"the kernel holds more than we wrote", {{100, 200}}, 0},
};

static void
a_reader_keeps_a_certain_pace(void **state)
{
	static const char bytes[100000];

	for (size_t i = 0; i < sizeof(patience) / sizeof(*patience); i++) {
		const struct patience *p = &patience[i];
		struct content *content =
			content_static(bytes, sizeof(bytes), "", "x", 0);
		struct talk t;
		unsigned lived = 0;

		start(&t);
		ask_for(&t, content);
		for (; lived < 4; lived++) {
			conn_sent(&t.conn, p->minutes[lived].written, t.now);
			t.now = t.conn.deadline;
			conn_timeout(&t.conn, p->minutes[lived].held, t.now);
			if (t.conn.state != CONN_SENDING)
				break;
			assert_int_equal(mono_since(t.conn.deadline, t.now), MONO_S(60));
		}
		if (lived != p->lives)
			fail_msg("%s: lives %u minutes", p->what, lived);
		assert_int_equal(t.conn.reset, lived < 4);
		assert_non_null(t.conn.exchange); /* for the record */
		stop(&t);
	}
}

/* What is still on its way of one reply is not held against the next. */
static void
a_slow_reader_may_ask_again(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET_FILE);
	t.conn.written = 1000000; /* as if that had been a large one */
	t.now = mono_after(t.now, MONO_S(60));
	ask(&t, GET_FILE);
	t.now = t.conn.deadline;
	conn_timeout(&t.conn, 900000, t.now);
	assert_int_equal(t.conn.state, CONN_SENDING);
	t.now = t.conn.deadline;
	conn_timeout(&t.conn, 840000, t.now);
	assert_int_equal(t.conn.state, CONN_SENDING);
	t.now = t.conn.deadline;
	conn_timeout(&t.conn, 839000, t.now);
	assert_int_equal(t.conn.state, CONN_CLOSED);
	stop(&t);
}

static void
a_reply_that_was_tried_says_so(void **state)
{
	struct talk t;

	start(&t);
	ask(&t, GET_FILE GET_FILE);
	assert_false(conn_output(&t.conn).tried);
	conn_sent(&t.conn, 0, t.now);
	assert_true(conn_output(&t.conn).tried);
	while (t.conn.state == CONN_SENDING)
		drain(&t);
	conn_next(&t.conn, t.now);
	answer(&t);
	assert_false(conn_output(&t.conn).tried);
	stop(&t);
}

static void
a_slow_reader_holds_no_inbox(void **state)
{
	struct talk t;

	start(&t);
	ask(&t, GET_FILE);
	assert_int_equal(t.conn.state, CONN_SENDING);
	assert_null(t.conn.inbox);
	stop(&t);
}

static void
what_the_record_says(void **state)
{
	struct talk t;
	const struct exchange *x;

	start(&t);
	ask(&t, "GET /file HTTP/1.1\r\nHost: a\r\nUser-Agent: iPXE/1.21\r\n"
		"Range: bytes=1-4\r\n\r\n");
	while (t.conn.state == CONN_SENDING)
		drain(&t);
	x = t.conn.exchange;
	assert_int_equal(t.conn.state, CONN_SENT);
	assert_int_equal(x->status, 206);
	assert_int_equal(x->method, METHOD_GET);
	assert_int_equal(x->sent, 4);
	assert_string_equal(exchange_note(x, x->path), "/file");
	assert_string_equal(exchange_note(x, x->agent), "iPXE/1.21");
	assert_string_equal(exchange_note(x, x->range), "bytes=1-4");
	assert_null(exchange_note(x, x->why));
	conn_next(&t.conn, t.now);
	ask(&t, "GET /no HTTP/1.1\r\nHost: a\r\n\r\n");
	x = t.conn.exchange;
	assert_string_equal(exchange_note(x, x->why), "nothing here");
	stop(&t);
}

static void
long_names_fit_the_record(void **state)
{
	char text[HEAD_MAX];
	struct talk t;
	int n = snprintf(text, sizeof(text),
		"GET /%05000d HTTP/1.1\r\nHost: a\r\n"
		"User-Agent: %01000d\r\nRange: %01000d\r\n\r\n",
		1, 2, 3);

	assert_in_range(n, 7000, sizeof(text));
	start(&t);
	ask(&t, text);
	assert_int_equal(
		strlen(exchange_note(t.conn.exchange, t.conn.exchange->path)), 512);
	stop(&t);
}

static void
a_lost_connection(void **state)
{
	struct talk t;

	start(&t);
	say(&t, GET_FILE);
	conn_abort(&t.conn); /* EDK2 ends with RST */
	assert_false(t.conn.reset);
	stop(&t);
	start(&t);
	ask(&t, GET_FILE);
	conn_abort(&t.conn); /* the file changed: the client must see an error */
	assert_true(t.conn.reset);
	stop(&t);
	start(&t);
	say(&t, "GET /fi");
	conn_eof(&t.conn, t.now);
	assert_int_equal(t.conn.state, CONN_CLOSED);
	stop(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_a_file),
		cmocka_unit_test(edk2_head_then_get),
		cmocka_unit_test(edk2_type_has_no_parameters),
		cmocka_unit_test(ipxe_reuses_after_five_seconds),
		cmocka_unit_test(a_part_of_a_file),
		cmocka_unit_test(past_the_end_of_a_file),
		cmocka_unit_test(not_modified_has_no_body),
		cmocka_unit_test(an_empty_file),
		cmocka_unit_test(errors_to_head_have_no_body),
		cmocka_unit_test(http10),
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(a_bad_request_ends_the_connection),
		cmocka_unit_test(lingering_is_bounded),
		cmocka_unit_test(a_refused_request_knows_nothing_of_the_last),
		cmocka_unit_test(too_large_a_head),
		cmocka_unit_test(a_body_is_thrown_away_when_short),
		cmocka_unit_test(curl_expects_100_gets_the_final_status),
		cmocka_unit_test(slowloris_gets_408),
		cmocka_unit_test(silence_is_closed_without_a_word),
		cmocka_unit_test(a_reader_keeps_a_certain_pace),
		cmocka_unit_test(a_slow_reader_may_ask_again),
		cmocka_unit_test(a_reply_that_was_tried_says_so),
		cmocka_unit_test(a_slow_reader_holds_no_inbox),
		cmocka_unit_test(what_the_record_says),
		cmocka_unit_test(long_names_fit_the_record),
		cmocka_unit_test(a_lost_connection),
	};

	return cmocka_run_group_tests_name("http conn", tests, NULL, NULL);
}
