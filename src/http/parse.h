/*
 * HTTP/1.1 request heads: bytes to struct, without a socket (RFC 9112, RFC 9110).
 *
 * A head is first found (request_scan(), fed with whatever has arrived so far),
 * then parsed in one go and in place (request_parse()): the struct's spans point
 * into the head, whose target has been %-decoded where it lay. How the bytes were
 * cut into packets can therefore never change what was understood.
 *
 * Whatever cannot be framed with certainty is refused and the connection closed:
 * Transfer-Encoding, two lengths, folded lines, bare CR. See doc/rfc-http.md.
 */
#ifndef PIXIE_HTTP_PARSE_H
#define PIXIE_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/netaddr.h"

#define HEAD_MAX 8192 /* bytes of a head; RFC 9112 §3 asks for lines of 8,000 */

struct span {
	const char *p; /* not NUL-terminated unless said; NULL: was not there */
	size_t len;
};

enum method {
	METHOD_UNKNOWN,
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_PATCH,
	METHOD_OPTIONS,
	METHOD_TRACE,
	METHOD_CONNECT,
};

struct request {
	enum method method;
	int minor;         /* HTTP/1.minor */
	struct span path;  /* decoded, begins with '/' (or is "*"); NUL-terminated */
	struct span query; /* after '?', still %-encoded; NUL-terminated, never NULL */
	struct span host;  /* authority: of an absolute target, else of Host */
	struct span range, if_range;
	struct span if_match, if_none_match;
	struct span if_modified_since, if_unmodified_since;
	struct span user_agent;
	struct span content_type, authorization;
	struct span origin, fetch_site; /* Origin, Sec-Fetch-Site: what a browser adds */
	struct span last_event;         /* Last-Event-ID */
	uint64_t body_len;              /* Content-Length, 0 without */
	struct span body; /* all of it when it was kept, see struct conn_limits */
	bool keep_alive;  /* the client is willing */
	bool expects;     /* Expect: 100-continue: it waits before it sends the body */
	bool browser;     /* Accept names text/html itself: somebody who reads */
	/* Not 0: answer with this status and close. `why` is a constant. */
	int bad;
	const char *why;
};

/* What request_scan() has seen; zero it for each new head. */
struct scan {
	size_t at;    /* bytes looked at */
	size_t line;  /* where the line being looked at begins */
	size_t start; /* where the request line begins: empty lines may precede it */
	bool begun;   /* a line that is not empty has begun */
};

enum scanned { SCAN_MORE, SCAN_HEAD, SCAN_BAD };

/*
 * Looks for the end of the head in `buf`, of which earlier calls have seen a
 * prefix. SCAN_HEAD: it is the first `*head_len` bytes. SCAN_BAD: it can never
 * become one; `req->bad` and `req->why` say why.
 */
enum scanned request_scan(struct scan *scan, const char *buf, size_t len,
	size_t *head_len, struct request *req);

/*
 * Parses a whole head that request_scan() found, decoding in place. `scan` tells
 * where its first line begins. Fills `*req`, `req->bad` included.
 */
void request_parse(struct request *req, char *head, size_t len, const struct scan *scan);

/*
 * The address in the request's host when it is a literal one, port 80 unless it
 * names another: how this client reaches us. False for names and wildcards.
 */
bool request_host(const struct request *req, struct netaddr *out);

const char *method_text(enum method m);
bool span_is(struct span s, const char *text); /* in any case */

#endif
