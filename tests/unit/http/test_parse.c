/* Request heads: what is understood, what is refused, and that packets do not matter. */
#define _GNU_SOURCE
#include "unit.h"

#include "http/parse.h"

/* Feeds `text` in steps of `step` bytes, as a socket would; the buffer is kept. */
static struct request
feed(char *buf, const char *text, size_t len, size_t step, size_t *head_len)
{
	struct scan scan = {0};
	struct request req = {0};

	*head_len = 0;
	memcpy(buf, text, len);
	for (size_t n = step < len ? step : len;; n = n + step < len ? n + step : len) {
		enum scanned got = request_scan(&scan, buf, n, head_len, &req);

		if (got == SCAN_HEAD)
			request_parse(&req, buf, *head_len, &scan);
		if (got != SCAN_MORE || n == len)
			break;
	}
	return req;
}

static bool
same_span(struct span a, struct span b)
{
	return a.len == b.len && (a.p == NULL) == (b.p == NULL) &&
	       (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static void
assert_same(const struct request *a, const struct request *b)
{
	assert_int_equal(a->bad, b->bad);
	assert_int_equal(a->method, b->method);
	assert_int_equal(a->body_len, b->body_len);
	assert_int_equal(a->keep_alive, b->keep_alive);
	assert_true(same_span(a->path, b->path));
	assert_true(same_span(a->query, b->query));
	assert_true(same_span(a->host, b->host));
	assert_true(same_span(a->range, b->range));
}

static char whole[3 * HEAD_MAX], split[3 * HEAD_MAX];

/* Parses at once and a byte at a time; both must agree. */
static struct request
parse(const char *text)
{
	size_t len = strlen(text), head, head2;
	struct request req = feed(whole, text, len, len, &head);
	struct request again = feed(split, text, len, 1, &head2);

	assert_int_equal(head, head2);
	assert_same(&req, &again);
	return req;
}

static void
assert_span(struct span s, const char *text)
{
	if (text == NULL) {
		assert_null(s.p);
		return;
	}
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.p, text, s.len);
}

#define HOST "Host: a\r\n"

static void
targets(void **state)
{
	static const struct {
		const char *target;
		int bad;
		const char *path, *query;
	} table[] = {
		{"/", 0, "/", ""},
		{"/a/b.efi", 0, "/a/b.efi", ""},
		{"/a?b=c&d=%20", 0, "/a", "b=c&d=%20"},
		{"/a?", 0, "/a", ""},
		{"/a?b?c", 0, "/a", "b?c"},
		{"/?x", 0, "/", "x"},
		{"/%61%2e%2E", 0, "/a..", ""},
		{"/a%20b", 0, "/a b", ""},
		{"/a+b", 0, "/a+b", ""},
		{"/a#b", 0, "/a", ""},
		{"/a?b#c?d", 0, "/a", "b"},
		{"/a#b?c", 0, "/a", ""},
		{"/a%23b", 0, "/a#b", ""},
		{"/\xc3\xa9", 0, "/\xc3\xa9", ""},
		{"/x%ff", 0, "/x\xff", ""},
		{"/%5c..%5cboot", 0, "/\\..\\boot", ""},
		{"/../../etc/passwd", 0, "/../../etc/passwd", ""},
		{"http://h/p?q", 0, "/p", "q"},
		{"HTTP://h:81/p", 0, "/p", ""},
		{"https://h/p", 0, "/p", ""},
		{"http://h", 0, "/", ""},
		{"http://h?q", 0, "/", "q"},
		{"http:///p", 400, NULL, NULL},
		{"*", 0, "*", ""},
		{"a/b", 400, NULL, NULL},
		{"?q", 400, NULL, NULL},
		{"/%", 400, NULL, NULL},
		{"/%4", 400, NULL, NULL},
		{"/%4?1", 400, NULL, NULL},
		{"/%zz", 400, NULL, NULL},
		{"/%-1", 400, NULL, NULL},
		{"/a%00b", 400, NULL, NULL},
		{"/a%2fb", 400, NULL, NULL},
		{"/a%2Fb", 400, NULL, NULL},
		{"/a\tb", 400, NULL, NULL},
		{"/a\x01", 400, NULL, NULL},
		{"/a\x7f", 400, NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char text[256];
		struct request req;

		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n",
			table[i].target);
		print_message("# %s\n", table[i].target);
		req = parse(text);
		assert_int_equal(req.bad, table[i].bad);
		if (req.bad != 0)
			continue;
		assert_span(req.path, table[i].path);
		assert_int_equal(req.path.p[req.path.len], '\0');
		assert_string_equal(req.query.p, table[i].query);
	}
}

static void
request_lines(void **state)
{
	static const struct {
		const char *line;
		int bad;
		enum method method;
	} table[] = {
		{"GET / HTTP/1.1", 0, METHOD_GET},
		{"HEAD / HTTP/1.1", 0, METHOD_HEAD},
		{"POST / HTTP/1.1", 0, METHOD_POST},
		{"OPTIONS * HTTP/1.1", 0, METHOD_OPTIONS},
		{"CONNECT a:443 HTTP/1.1", 0, METHOD_CONNECT},
		{"GET / HTTP/1.9", 0, METHOD_GET},
		{"get / HTTP/1.1", 501, METHOD_UNKNOWN},
		{"BREW / HTTP/1.1", 501, METHOD_UNKNOWN},
		{"GETX / HTTP/1.1", 501, METHOD_UNKNOWN},
		{"GET / HTTP/2.0", 505, METHOD_GET},
		{"GET / HTTP/0.9", 505, METHOD_GET},
		{"PRI * HTTP/2.0", 505, METHOD_UNKNOWN},
		{"GET /", 400, METHOD_GET},
		{"GET", 400, METHOD_UNKNOWN},
		{"GET  / HTTP/1.1", 400, METHOD_GET},
		{"GET /  HTTP/1.1", 400, METHOD_GET},
		{"GET / HTTP/1.1 ", 400, METHOD_GET},
		{"GET / http/1.1", 400, METHOD_GET},
		{"GET / HTTP/11", 400, METHOD_GET},
		{"GET / HTTP/1.", 400, METHOD_GET},
		{"GET / HTTP/1.10", 400, METHOD_GET},
		{"G(T / HTTP/1.1", 400, METHOD_UNKNOWN},
		{" GET / HTTP/1.1", 400, METHOD_UNKNOWN},
		{"\x16\x03\x01", 400, METHOD_UNKNOWN},
		{"GET /\rX HTTP/1.1", 400, METHOD_UNKNOWN},
		{"\rGET / HTTP/1.1", 400, METHOD_UNKNOWN},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char text[256];
		struct request req;

		snprintf(text, sizeof(text), "%s\r\n" HOST "\r\n", table[i].line);
		print_message("# %s\n", table[i].line);
		req = parse(text);
		assert_int_equal(req.bad, table[i].bad);
		assert_int_equal(req.method, table[i].method);
		assert_int_equal(req.why != NULL, req.bad != 0);
	}
}

static void
fields(void **state)
{
	static const struct {
		const char *fields;
		int bad;
		bool keep_alive;
		uint64_t body_len;
	} table[] = {
		{"Host: a\r\n", 0, true, 0},
		{"host:a\r\n", 0, true, 0},
		{"HOST: \t a \t\r\n", 0, true, 0},
		{"Host:\r\n", 0, true, 0},
		{"Host: a\n", 0, true, 0},
		{"Host: a\r\nX: \xff\r\n", 0, true, 0},
		{"Host: a\r\nX:\r\n", 0, true, 0},
		{"Host: a\r\nConnection: close\r\n", 0, false, 0},
		{"Host: a\r\nConnection: CLOSE\r\n", 0, false, 0},
		{"Host: a\r\nConnection: x, close ,y\r\n", 0, false, 0},
		{"Host: a\r\nConnection: keep-alive, close\r\n", 0, false, 0},
		{"Host: a\r\nConnection: x\r\nConnection: close\r\n", 0, false, 0},
		{"Host: a\r\nConnection: closed\r\n", 0, true, 0},
		{"Host: a\r\nConnection: ,,\r\n", 0, true, 0},
		{"Host: a\r\nContent-Length: 0\r\n", 0, true, 0},
		{"Host: a\r\nContent-Length: 007\r\n", 0, true, 7},
		{"Host: a\r\nContent-Length: 999999999999999999\r\n", 0, true,
			999999999999999999},
		{"Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length: 5, 5\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length: +5\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length: -5\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length: 0x5\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length: 5 5\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length:\r\n", 400, false, 0},
		{"Host: a\r\nContent-Length: 99999999999999999999\r\n", 400, false, 0},
		{"Host: a\r\nTransfer-Encoding: chunked\r\n", 501, false, 0},
		{"Host: a\r\nTransfer-Encoding: identity\r\n", 501, false, 0},
		{"Host: a\r\ntransfer-encoding:chunked\r\nContent-Length: 5\r\n", 501,
			false, 0},
		{"Host: a\r\nTransfer-Encoding : chunked\r\n", 400, false, 0},
		{"", 400, false, 0},
		{"Hosts: a\r\n", 400, false, 0},
		{"Host: a\r\nHost: a\r\n", 400, false, 0},
		{"Host: a b\r\n", 400, false, 0},
		{"Host: a/b\r\n", 400, false, 0},
		{"Host: a@b\r\n", 400, false, 0},
		{"Host: a\r\n folded\r\n", 400, false, 0},
		{" Host: a\r\n", 400, false, 0},
		{"Host : a\r\n", 400, false, 0},
		{"Host: a\r\nno colon\r\n", 400, false, 0},
		{"Host: a\r\n: empty\r\n", 400, false, 0},
		{"Host: a\r\nX\x01: y\r\n", 400, false, 0},
		{"Host: a\r\nX: a\x01"
		 "b\r\n",
			400, false, 0},
		{"Host: a\r\nX: a\rb\r\n", 400, false, 0},
		{"Host: a\r\nX: a\r\r\n", 400, false, 0},
		{"Host: a\r\nRange: bytes=0-\r\nRange: bytes=1-\r\n", 400, false, 0},
		{"Host: a\r\nIf-Match: \"a\"\r\nIf-Match: \"b\"\r\n", 400, false, 0},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char text[256];
		struct request req;

		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", table[i].fields);
		print_message("# %zu\n", i);
		req = parse(text);
		assert_int_equal(req.bad, table[i].bad);
		assert_int_equal(req.keep_alive, table[i].keep_alive);
		if (req.bad == 0)
			assert_int_equal(req.body_len, table[i].body_len);
	}
}

static void
a_browser_names_html(void **state)
{
	static const struct {
		const char *accept;
		bool browser;
	} table[] = {
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
		{"application/xml , Text/HTML;q=0.5", true},
		{"text/html;level=1", true},
		{"text/html;q=0", false},
		{"text/html;q=0.0, */*", false},
		{"text/html;q=0.01", true},
		{"*/*", false}, /* EDK2, curl */
		{"text/*", false},
		{"text/htmlx, xtext/html", false},
		{"", false},
		{",,;,", false},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char text[256];

		print_message("# %s\n", table[i].accept);
		snprintf(text, sizeof(text),
			"GET / HTTP/1.1\r\nHost: h\r\nAccept: %s\r\n\r\n",
			table[i].accept);
		assert_int_equal(parse(text).browser, table[i].browser);
	}
	assert_false(parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n").browser);
}

static void
every_known_field_is_kept(void **state)
{
	struct request req = parse("GET / HTTP/1.1\r\nHost: h\r\nrange: bytes=1-2\r\n"
				   "IF-RANGE: \"r\"\r\nIf-Match: \"m\"\r\n"
				   "If-None-Match: \"n\"\r\nIf-Modified-Since: ms\r\n"
				   "If-Unmodified-Since: us\r\nUser-Agent: iPXE/1.21\r\n"
				   "Expect: 100-Continue\r\n\r\n");

	assert_int_equal(req.bad, 0);
	assert_span(req.range, "bytes=1-2");
	assert_span(req.if_range, "\"r\"");
	assert_span(req.if_match, "\"m\"");
	assert_span(req.if_none_match, "\"n\"");
	assert_span(req.if_modified_since, "ms");
	assert_span(req.if_unmodified_since, "us");
	assert_span(req.user_agent, "iPXE/1.21");
	assert_true(req.expects);
}

static void
http10_persists_only_when_asked(void **state)
{
	assert_false(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n").bad, 0); /* no Host needed */
	assert_true(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

static void
bare_lf_ends_a_line(void **state)
{
	struct request req = parse("GET /x HTTP/1.1\nHost: a\n\n");

	assert_int_equal(req.bad, 0);
	assert_span(req.path, "/x");
}

static void
empty_lines_before_the_request_are_ignored(void **state)
{
	struct request req = parse("\r\n\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_int_equal(req.bad, 0);
	assert_span(req.path, "/x");
}

static void
absolute_target_beats_host(void **state)
{
	struct request req = parse("GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_span(req.host, "b:81");
}

static void
edk2_double_slash_is_not_redirected(void **state)
{
	struct request req = parse("GET //boot//snponly.efi HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_int_equal(req.bad, 0); /* smee#229: a 301 here ended the boot */
	assert_span(req.path, "//boot//snponly.efi");
}

/* A request of exactly `head` bytes whose target, or a header, fills it up. */
static struct request
sized(size_t head, bool in_target, size_t *head_len)
{
	static char text[3 * HEAD_MAX];
	size_t fixed = strlen("GET / HTTP/1.0\r\nX: \r\n\r\n");
	char *fill = malloc(head - fixed + 1);
	struct request req, again;

	memset(fill, 'x', head - fixed);
	fill[head - fixed] = '\0';
	snprintf(text, sizeof(text), "GET /%s HTTP/1.0\r\nX: %s\r\n\r\n",
		in_target ? fill : "", in_target ? "" : fill);
	free(fill);
	assert_int_equal(strlen(text), head);
	req = feed(whole, text, head, head, head_len);
	again = feed(split, text, head, 7, head_len);
	assert_same(&req, &again);
	return req;
}

static void
heads_are_bounded(void **state)
{
	size_t n;

	assert_int_equal(sized(HEAD_MAX, false, &n).bad, 0);
	assert_int_equal(n, HEAD_MAX);
	assert_int_equal(sized(HEAD_MAX, true, &n).bad, 0);
	assert_int_equal(sized(HEAD_MAX + 1, false, &n).bad, 431);
	assert_int_equal(sized(HEAD_MAX + 100, true, &n).bad, 414);
	assert_int_equal(sized(2 * HEAD_MAX, false, &n).bad, 431);
	assert_int_equal(sized(2 * HEAD_MAX, true, &n).bad, 414);
}

static void
half_a_head_is_awaited(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

	for (size_t len = 1; len < strlen(text); len++) {
		size_t head;
		struct request req = feed(whole, text, len, 1, &head);

		assert_int_equal(head, 0);
		assert_int_equal(req.bad, 0);
	}
}

static void
strangers_are_told_at_the_first_byte(void **state)
{
	size_t head;

	assert_int_equal(feed(whole, "\x16\x03\x01\x02", 4, 1, &head).bad, 400);
	assert_string_equal(
		feed(whole, "\x16", 1, 1, &head).why, "TLS on the plain HTTP port");
	assert_int_equal(feed(whole, "\0\1junk", 6, 6, &head).bad, 400);
}

static void
pipelined_requests_are_cut_apart(void **state)
{
	static const char text[] = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
				   "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
	size_t head;
	struct request req = feed(whole, text, strlen(text), strlen(text), &head);

	assert_int_equal(head, strlen(text) / 2);
	assert_span(req.path, "/1");
}

static void
host_literals(void **state)
{
	static const struct {
		const char *host, *address;
	} table[] = {
		{"192.0.2.1", "192.0.2.1:80"},
		{"192.0.2.1:8080", "192.0.2.1:8080"},
		{"192.0.2.1:", "192.0.2.1:80"},
		{"[2001:db8::1]", "[2001:db8::1]:80"},
		{"[2001:db8::1]:8080", "[2001:db8::1]:8080"},
		{"2001:db8::1", NULL},
		{"boot.example", NULL},
		{"boot.example:80", NULL},
		{"0.0.0.0:8080", NULL},
		{"[::]", NULL},
		{"192.0.2.1:0", NULL},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:8x", NULL},
		{"192.0.2.1:123456", NULL},
		{"[2001:db8::1", NULL},
		{"[fe80::1%25eth0]", NULL},
		{":80", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct request req = {.host = {table[i].host, strlen(table[i].host)}};
		char buf[NETADDR_TEXT];
		struct netaddr at;

		print_message("# '%s'\n", table[i].host);
		assert_int_equal(request_host(&req, &at), table[i].address != NULL);
		if (table[i].address != NULL)
			assert_string_equal(netaddr_text(&at, buf), table[i].address);
	}
	assert_false(request_host(&(struct request){0}, &(struct netaddr){0}));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(request_lines),
		cmocka_unit_test(fields),
		cmocka_unit_test(a_browser_names_html),
		cmocka_unit_test(every_known_field_is_kept),
		cmocka_unit_test(http10_persists_only_when_asked),
		cmocka_unit_test(bare_lf_ends_a_line),
		cmocka_unit_test(empty_lines_before_the_request_are_ignored),
		cmocka_unit_test(absolute_target_beats_host),
		cmocka_unit_test(edk2_double_slash_is_not_redirected),
		cmocka_unit_test(heads_are_bounded),
		cmocka_unit_test(half_a_head_is_awaited),
		cmocka_unit_test(strangers_are_told_at_the_first_byte),
		cmocka_unit_test(pipelined_requests_are_cut_apart),
		cmocka_unit_test(host_literals),
	};

	return cmocka_run_group_tests_name("http parse", tests, NULL, NULL);
}
