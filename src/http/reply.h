/*
 * What a handler answers: a status, and either a part of a content or a few
 * words of text. And the bytes of its head.
 */
#ifndef PIXIE_HTTP_REPLY_H
#define PIXIE_HTTP_REPLY_H

#include <stdint.h>
#include <time.h>

#include "base/bytes.h"
#include "boot/content.h"
#include "http/httpdate.h"
#include "http/parse.h"

#define REPLY_TEXT_MAX 1024
#define REPLY_SERVED_MAX 256
#define REPLY_HEAD_MAX 1024 /* a head of ours, without the text */

struct later;  /* http/later.h */
struct stream; /* http/stream.h */

struct reply {
	int status;
	struct content *content;       /* what is sent, or described by a 304; owned */
	uint64_t off, len;             /* the part of it that is sent; for 416, len 0 */
	time_t mtime;                  /* Last-Modified, 0 without */
	const char *allow;             /* Allow, for 405 */
	unsigned retry_after;          /* seconds, 0 without; iPXE honours it on errors */
	bool close;                    /* the connection ends after this */
	bool is_told;                  /* the registry of machines hears of it */
	bool is_quiet;                 /* asked again and again: not for the log */
	const char *type;              /* of the text; NULL: text/plain */
	const char *fields;            /* whole lines, each with its CRLF; NULL: none */
	struct later *later;           /* all else here is for later; the server's now */
	struct stream *stream;         /* follows the text, without an end; owned */
	char served[REPLY_SERVED_MAX]; /* for the log: what was served in its place */
	size_t text_len;               /* without content: the body, text/plain */
	char text[REPLY_TEXT_MAX];
};

/* Answers with a line of text; the newline is added. Too long is cut. */
__attribute__((format(printf, 3, 4))) void reply_text(
	struct reply *r, int status, const char *fmt, ...);

/*
 * Answers a GET or HEAD with `content` (taken over), or the part of it, or the
 * 304, 412 or 416, that the request's conditions and range ask for.
 */
void reply_content(
	struct reply *r, const struct request *req, struct content *content, time_t now);

/* The same with text that is `content`'s whatever the request says (API). */
void reply_whole(struct reply *r, int status, struct content *content);

/* Whether the body is of the content (200, 202, 206), else the text. */
bool reply_sends_content(const struct reply *r);
/* Bytes of body; what HEAD would have got. */
uint64_t reply_body_len(const struct reply *r);

/* Writes the head; `date` is now as an HTTP date. `w->bad` when it has no room. */
void reply_head(struct writer *w, const struct reply *r, const struct request *req,
	const char *date);

/* Lets go of the content and the stream. */
void reply_done(struct reply *r);

#endif
