#define _GNU_SOURCE
#include "http/parse.h"

#include <string.h>
#include <strings.h>

#include "base/bytes.h"

static const char *const method_names[] = {
	[METHOD_UNKNOWN] = "?",
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_DELETE] = "DELETE",
	[METHOD_PATCH] = "PATCH",
	[METHOD_OPTIONS] = "OPTIONS",
	[METHOD_TRACE] = "TRACE",
	[METHOD_CONNECT] = "CONNECT",
};

#define METHODS (sizeof(method_names) / sizeof(*method_names))

const char *
method_text(enum method m)
{
	return method_names[m];
}

bool
span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.p, text, s.len) == 0;
}

static bool
refuse(struct request *req, int status, const char *why)
{
	req->bad = status;
	req->why = why;
	req->keep_alive = false;
	return false;
}

/* tchar of RFC 9110 §5.6.2, for methods and field names. */
static bool
is_tchar(unsigned char c)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c != '\0' && strchr(marks, c) != NULL;
}

static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_tchar((unsigned char)s.p[i]))
			return false;
	return s.len > 0;
}

static struct span
trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/*
 * Scanning. Lines end in CRLF; a bare LF is taken as an end too, as RFC 9112
 * §2.2 allows: hand-written clients send it, and since chunked bodies and double
 * lengths are refused there is no second reading of it for a smuggler to use.
 */

/* The first byte of a request is a method's; say at once when it is something else. */
static bool
scan_first(struct scan *scan, unsigned char c, struct request *req)
{
	scan->begun = true;
	scan->start = scan->line;
	if (is_tchar(c))
		return true;
	if (c == 0x16)
		return refuse(req, 400, "TLS on the plain HTTP port");
	return refuse(req, 400, "not HTTP");
}

/*
 * A line ends at `lf`. Returns whether it ends the head: an empty line before
 * the request line is ignored (RFC 9112 §2.2), one after it is the end.
 */
static bool
scan_line(struct scan *scan, const char *buf, size_t lf)
{
	size_t len = lf - scan->line;
	bool empty = len == 0 || (len == 1 && buf[scan->line] == '\r');

	if (empty && scan->begun)
		return true;
	if (!empty && !scan->begun) { /* "\rX": the parser refuses it */
		scan->begun = true;
		scan->start = scan->line;
	}
	scan->line = lf + 1;
	return false;
}

static enum scanned
scan_full(const struct scan *scan, struct request *req)
{
	if (!scan->begun || scan->line == scan->start)
		refuse(req, 414, "request line too long");
	else
		refuse(req, 431, "request head too large");
	return SCAN_BAD;
}

enum scanned
request_scan(struct scan *scan, const char *buf, size_t len, size_t *head_len,
	struct request *req)
{
	size_t end = len < HEAD_MAX ? len : HEAD_MAX;

	while (scan->at < end) {
		const char *lf = memchr(buf + scan->at, '\n', end - scan->at);
		unsigned char c = (unsigned char)buf[scan->line];

		if (!scan->begun && c != '\r' && c != '\n' && !scan_first(scan, c, req))
			return SCAN_BAD;
		scan->at = lf ? (size_t)(lf - buf) + 1 : end;
		if (lf != NULL && scan_line(scan, buf, scan->at - 1)) {
			*head_len = scan->at;
			return SCAN_HEAD;
		}
	}
	return end == HEAD_MAX ? scan_full(scan, req) : SCAN_MORE;
}

/*
 * The request line: method SP target SP version, strictly (RFC 9112 §3 lets us
 * be lenient about the spaces; nobody was seen who needs it).
 */

static enum method
method_of(struct span s)
{
	for (size_t i = 1; i < METHODS; i++)
		if (s.len == strlen(method_names[i]) &&
			memcmp(s.p, method_names[i], s.len) == 0)
			return (enum method)i;
	return METHOD_UNKNOWN;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HTTP/1.x is spoken as 1.1 (RFC 9110 §2.5); HTTP/2's preface comes here too. */
static bool
parse_version(struct request *req, struct span s)
{
	if (s.len != 8 || memcmp(s.p, "HTTP/", 5) != 0 || !is_digit(s.p[5]) ||
		s.p[6] != '.' || !is_digit(s.p[7]))
		return refuse(req, 400, "bad request line");
	req->minor = s.p[7] - '0';
	if (s.p[5] != '1')
		return refuse(req, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	return true;
}

/*
 * Decodes %XX in place. NUL and '/' must not be written that way: the one would
 * end names for the kernel, the other would make two names of one. Backslash,
 * "..", "//" and bytes after the end of a boot file name (0xFF from option 67)
 * are for resolve() to make sense of.
 */
static bool
decode_path(struct request *req, char *p, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		int hi = i + 2 < len ? hex_value(p[i + 1]) : -1;
		int lo = i + 2 < len ? hex_value(p[i + 2]) : -1;

		if (p[i] != '%')
			continue;
		if (hi < 0 || lo < 0)
			return refuse(req, 400, "malformed % in the path");
		if ((hi == 0 && lo == 0) || (hi == '/' >> 4 && lo == ('/' & 15)))
			return refuse(req, 400, "encoded NUL or slash in the path");
	}
	/* Only now, as the log shows a refused path as it came. */
	for (size_t i = 0; i < len; i++)
		if (p[i] == '%') {
			p[out++] = (char)(hex_value(p[i + 1]) << 4 | hex_value(p[i + 2]));
			i += 2;
		} else
			p[out++] = p[i];
	p[out] = '\0';
	req->path = (struct span){p, out};
	return true;
}

/*
 * absolute-form (RFC 9112 §3.2.2): its authority beats Host. Returns where the
 * path begins, or NULL when the authority is empty.
 */
static char *
skip_authority(struct request *req, char *p, char *end)
{
	char *from;

	if (end - p >= 7 && strncasecmp(p, "http://", 7) == 0)
		p += 7;
	else if (end - p >= 8 && strncasecmp(p, "https://", 8) == 0)
		p += 8;
	else
		return p;
	from = p;
	while (p < end && *p != '/' && *p != '?')
		p++;
	req->host = (struct span){from, (size_t)(p - from)};
	return p == from ? NULL : p;
}

/*
 * Cuts [p, *end) at `mark`. Returns what follows it, NUL-terminated as the target
 * was; NULL when there is no mark.
 */
static char *
cut(char *p, char **end, char mark)
{
	char *at = memchr(p, mark, (size_t)(*end - p));

	if (at == NULL)
		return NULL;
	*at = '\0';
	*end = at;
	return at + 1;
}

/* A fragment is not for the server (RFC 9112 §3.2); a careless client sends it. */
static void
cut_query(struct request *req, char *p, char **end)
{
	char *query;

	cut(p, end, '#');
	query = cut(p, end, '?');
	if (query != NULL)
		req->query = (struct span){query, strlen(query)};
}

static bool
parse_target(struct request *req, char *p, char *end)
{
	for (char *c = p; c < end; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return refuse(
				req, 400, "control character in the request target");
	*end = '\0'; /* was the space before the version */
	req->path = (struct span){p, (size_t)(end - p)};
	if (req->method == METHOD_CONNECT || (end - p == 1 && *p == '*'))
		return true; /* authority-form, asterisk-form: for 405 */
	p = skip_authority(req, p, end);
	if (p == NULL)
		return refuse(req, 400, "no host in the request target");
	cut_query(req, p, &end);
	if (p == end && req->host.p != NULL) {
		req->path = (struct span){"/", 1};
		return true;
	}
	if (p == end || *p != '/')
		return refuse(req, 400, "request target is not a path");
	return decode_path(req, p, (size_t)(end - p));
}

static bool
parse_request_line(struct request *req, char *p, char *end)
{
	char *sp = memchr(p, ' ', (size_t)(end - p)), *version = NULL;
	struct span method;

	if (sp == NULL)
		return refuse(req, 400, "bad request line");
	method = (struct span){p, (size_t)(sp - p)};
	if (!is_token(method))
		return refuse(req, 400, "bad request line");
	req->method = method_of(method);
	version = memchr(sp + 1, ' ', (size_t)(end - sp - 1));
	if (version == NULL)
		return refuse(req, 400, "HTTP version missing");
	if (!parse_version(req, (struct span){version + 1, (size_t)(end - version - 1)}))
		return false;
	if (req->method == METHOD_UNKNOWN)
		return refuse(req, 501, "unknown method");
	return parse_target(req, sp + 1, version);
}

/* Fields. */

struct fields {
	bool has_host, has_length;
	bool close, keep_alive;
};

/* Digits only, once: two lengths are two readings of where a request ends. */
static bool
field_length(struct request *req, struct fields *f, struct span v)
{
	uint64_t n = 0;

	if (f->has_length || v.len == 0 || v.len > 18)
		return refuse(req, 400, "bad or repeated Content-Length");
	for (size_t i = 0; i < v.len; i++) {
		if (!is_digit(v.p[i]))
			return refuse(req, 400, "bad or repeated Content-Length");
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	f->has_length = true;
	req->body_len = n;
	return true;
}

/* No client of ours sends chunks, and not reading them cannot be got wrong. */
static bool
field_coding(struct request *req, struct fields *f, struct span v)
{
	(void)f;
	(void)v;
	return refuse(req, 501, "Transfer-Encoding is not taken");
}

static bool
field_host(struct request *req, struct fields *f, struct span v)
{
	if (f->has_host)
		return refuse(req, 400, "repeated Host");
	f->has_host = true;
	for (size_t i = 0; i < v.len; i++)
		if ((unsigned char)v.p[i] <= ' ' || strchr("/?#@\\", v.p[i]))
			return refuse(req, 400, "bad Host");
	if (req->host.p == NULL)
		req->host = v;
	return true;
}

static bool
field_connection(struct request *req, struct fields *f, struct span v)
{
	(void)req;
	while (v.len > 0) {
		const char *comma = memchr(v.p, ',', v.len);
		size_t n = comma ? (size_t)(comma - v.p) : v.len;
		struct span option = trim((struct span){v.p, n});

		f->close |= span_is(option, "close");
		f->keep_alive |= span_is(option, "keep-alive");
		n += comma != NULL;
		v.p += n;
		v.len -= n;
	}
	return true;
}

/* "q=0", "q=0.0" …: the client says what it does not want, RFC 9110 §12.4.2. */
static bool
weighs_nothing(struct span parameters)
{
	const char *at = memmem(parameters.p, parameters.len, "q=0", 3);
	const char *end = parameters.p + parameters.len;

	if (at == NULL)
		return false;
	for (at += 3; at < end && (*at == '.' || *at == '0');)
		at++;
	return at == end || !is_digit(*at);
}

/*
 * Every browser asks for a page with text/html in Accept; EDK2, iPXE, curl and wget
 * take any type or say nothing, so a range that merely includes it does not count.
 */
static bool
field_accept(struct request *req, struct fields *f, struct span v)
{
	(void)f;
	while (v.len > 0) {
		const char *comma = memchr(v.p, ',', v.len);
		size_t n = comma ? (size_t)(comma - v.p) : v.len;
		const char *semicolon = memchr(v.p, ';', n);
		size_t type = semicolon ? (size_t)(semicolon - v.p) : n;

		if (span_is(trim((struct span){v.p, type}), "text/html") &&
			!weighs_nothing((struct span){v.p + type, n - type}))
			req->browser = true;
		n += comma != NULL;
		v.p += n;
		v.len -= n;
	}
	return true;
}

static bool
field_expect(struct request *req, struct fields *f, struct span v)
{
	(void)f;
	req->expects |= span_is(v, "100-continue");
	return true;
}

static bool
field_agent(struct request *req, struct fields *f, struct span v)
{
	(void)f;
	if (req->user_agent.p == NULL)
		req->user_agent = v;
	return true;
}

/*
 * Either `take` reads the field, or its value is kept at `at`; such a field may
 * come once, because a condition, or a right, that we saw half of would be answered
 * wrongly.
 */
static const struct field {
	const char *name;
	bool (*take)(struct request *, struct fields *, struct span);
	size_t at;
} known_fields[] = {
	{"Host", field_host, 0},
	{"User-Agent", field_agent, 0},
	{"Accept", field_accept, 0},
	{"Connection", field_connection, 0},
	{"Range", NULL, offsetof(struct request, range)},
	{"If-Range", NULL, offsetof(struct request, if_range)},
	{"If-Match", NULL, offsetof(struct request, if_match)},
	{"If-None-Match", NULL, offsetof(struct request, if_none_match)},
	{"If-Modified-Since", NULL, offsetof(struct request, if_modified_since)},
	{"If-Unmodified-Since", NULL, offsetof(struct request, if_unmodified_since)},
	{"Content-Length", field_length, 0},
	{"Transfer-Encoding", field_coding, 0},
	{"Expect", field_expect, 0},
	{"Content-Type", NULL, offsetof(struct request, content_type)},
	{"Authorization", NULL, offsetof(struct request, authorization)},
	{"Origin", NULL, offsetof(struct request, origin)},
	{"Sec-Fetch-Site", NULL, offsetof(struct request, fetch_site)},
	{"Last-Event-ID", NULL, offsetof(struct request, last_event)},
};

static bool
take_field(struct request *req, struct fields *f, struct span name, struct span value)
{
	for (size_t i = 0; i < sizeof(known_fields) / sizeof(*known_fields); i++) {
		const struct field *known = &known_fields[i];
		struct span *slot = (struct span *)((char *)req + known->at);

		if (!span_is(name, known->name))
			continue;
		if (known->take != NULL)
			return known->take(req, f, value);
		if (slot->p != NULL)
			return refuse(req, 400, "repeated field that may come once only");
		*slot = value;
		return true;
	}
	return true; /* unknown fields are ignored, RFC 9110 §5.1 */
}

static bool
is_field_value(struct span v)
{
	for (size_t i = 0; i < v.len; i++)
		if (((unsigned char)v.p[i] < ' ' && v.p[i] != '\t') || v.p[i] == 0x7f)
			return false;
	return true;
}

static bool
parse_field(struct request *req, struct fields *f, struct span line)
{
	const char *colon = memchr(line.p, ':', line.len);
	struct span name, value;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return refuse(req, 400, "folded header line"); /* RFC 9112 §5.2 */
	if (colon == NULL)
		return refuse(req, 400, "header line without a colon");
	name = (struct span){line.p, (size_t)(colon - line.p)};
	value = trim((struct span){colon + 1, line.len - name.len - 1});
	if (!is_token(name)) /* a space before the colon too, RFC 9112 §5.1 */
		return refuse(req, 400, "bad header name");
	if (!is_field_value(value))
		return refuse(req, 400, "control character in a header");
	return take_field(req, f, name, value);
}

/* Cuts the next line off; false at the end, or (refused) when it holds a bare CR. */
static bool
next_line(struct request *req, char **p, char *end, struct span *line)
{
	char *lf = memchr(*p, '\n', (size_t)(end - *p));
	size_t n = (size_t)(lf - *p);

	line->p = *p;
	*p = lf + 1;
	if (n > 0 && lf[-1] == '\r')
		n--;
	line->len = n;
	if (memchr(line->p, '\r', n) != NULL)
		return refuse(req, 400, "bare CR"); /* RFC 9112 §2.2 */
	return n > 0;
}

/* RFC 9112 §9.3: 1.1 persists unless told otherwise, 1.0 when asked to. */
static void
finish(struct request *req, const struct fields *f)
{
	req->keep_alive = !f->close && (req->minor > 0 || f->keep_alive);
	/*
	 * §3.2: a 1.1 request without Host gets 400. EDK2, iPXE, GRUB and U-Boot
	 * all send it, and one that does not may be half of a smuggled request.
	 */
	if (req->minor > 0 && !f->has_host)
		refuse(req, 400, "Host missing");
}

void
request_parse(struct request *req, char *head, size_t len, const struct scan *scan)
{
	struct fields f = {0};
	char *p = head + scan->start, *end = head + len;
	struct span line;

	*req = (struct request){.query = {"", 0}};
	if (!next_line(req, &p, end, &line)) {
		if (req->bad == 0)
			refuse(req, 400, "bad request line");
		return;
	}
	if (!parse_request_line(req, (char *)line.p, (char *)line.p + line.len))
		return;
	while (next_line(req, &p, end, &line))
		if (!parse_field(req, &f, line))
			return;
	if (req->bad == 0)
		finish(req, &f);
}

static bool
port_number(const char *p, size_t len, uint16_t *out)
{
	unsigned v = 0;

	if (len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(p[i]))
			return false;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	*out = (uint16_t)(len ? v : 80); /* "host:" has the default port */
	return v <= 65535 && *out != 0;
}

bool
request_host(const struct request *req, struct netaddr *out)
{
	struct span s = req->host;
	const char *colon = s.len ? memrchr(s.p, ':', s.len) : NULL;
	char host[NETADDR_TEXT];
	uint16_t port = 80;

	if (colon != NULL && memchr(colon, ']', (size_t)(s.p + s.len - colon)) == NULL) {
		if (!port_number(colon + 1, (size_t)(s.p + s.len - colon - 1), &port))
			return false;
		s.len = (size_t)(colon - s.p);
	}
	if (s.len == 0 || s.len >= sizeof(host))
		return false;
	memcpy(host, s.p, s.len);
	host[s.len] = '\0';
	if ((host[0] != '[' && strchr(host, ':') != NULL) ||
		!netaddr_parse_host(host, out) || netaddr_is_wildcard(out))
		return false;
	netaddr_set_port(out, port);
	return true;
}
