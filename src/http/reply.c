#include "http/reply.h"

#include <inttypes.h>

#include "http/cond.h"
#include "http/stream.h"

static const struct {
	int status;
	const char *line;
} status_lines[] = {
	{200, "200 OK"},
	{202, "202 Accepted"},
	{206, "206 Partial Content"},
	{304, "304 Not Modified"},
	{400, "400 Bad Request"},
	{401, "401 Unauthorized"},
	{403, "403 Forbidden"},
	{404, "404 Not Found"},
	{405, "405 Method Not Allowed"},
	{408, "408 Request Timeout"},
	{409, "409 Conflict"},
	{412, "412 Precondition Failed"},
	{413, "413 Content Too Large"},
	{414, "414 URI Too Long"},
	{415, "415 Unsupported Media Type"},
	{416, "416 Range Not Satisfiable"},
	{417, "417 Expectation Failed"},
	{422, "422 Unprocessable Content"},
	{429, "429 Too Many Requests"},
	{431, "431 Request Header Fields Too Large"},
	{500, "500 Internal Server Error"},
	{501, "501 Not Implemented"},
	{503, "503 Service Unavailable"},
	{505, "505 HTTP Version Not Supported"},
};

static const char *
status_line(int status)
{
	for (size_t i = 0; i < sizeof(status_lines) / sizeof(*status_lines); i++)
		if (status_lines[i].status == status)
			return status_lines[i].line;
	return "500 Internal Server Error";
}

void
reply_text(struct reply *r, int status, const char *fmt, ...)
{
	va_list ap;
	int n;

	r->status = status;
	va_start(ap, fmt);
	n = vsnprintf(r->text, sizeof(r->text) - 1, fmt, ap);
	va_end(ap);
	r->text_len = n < 0 ? 0 : (size_t)n;
	if (r->text_len > sizeof(r->text) - 2)
		r->text_len = sizeof(r->text) - 2;
	r->text[r->text_len++] = '\n';
	r->text[r->text_len] = '\0';
}

void
reply_content(
	struct reply *r, const struct request *req, struct content *content, time_t now)
{
	time_t mtime = representation_mtime(content_mtime(content), now);
	struct validators v = {content_etag(content), mtime, content_size(content)};
	struct selection s = select_part(req, &v, now);

	r->status = s.status;
	r->content = content;
	r->off = s.off;
	r->len = s.len;
	r->mtime = mtime;
	if (s.status == 412)
		reply_text(r, 412, "The file is no longer the one you had.");
	else if (s.status == 416)
		reply_text(r, 416, "The file has %" PRIu64 " bytes.", v.size);
}

void
reply_whole(struct reply *r, int status, struct content *content)
{
	r->status = status;
	r->content = content;
	r->off = 0;
	r->len = content_size(content);
}

bool
reply_sends_content(const struct reply *r)
{
	return r->content != NULL &&
	       (r->status == 200 || r->status == 202 || r->status == 206);
}

uint64_t
reply_body_len(const struct reply *r)
{
	if (r->status == 304)
		return 0;
	return reply_sends_content(r) ? r->len : r->text_len;
}

/* Decimals by hand: snprintf would be the dearest part of a small reply. */
static void
put_number(struct writer *w, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	wr_mem(w, digits + at, sizeof(digits) - at);
}

static void
put_field(struct writer *w, const char *name, const char *value)
{
	wr_str(w, name);
	wr_str(w, value);
	wr_str(w, "\r\n");
}

/* "Content-Range: bytes 0-99/1000", or of 416 "bytes *" "/1000" */
static void
put_content_range(struct writer *w, const struct reply *r)
{
	wr_str(w, "Content-Range: bytes ");
	if (r->status == 206) {
		put_number(w, r->off);
		wr_str(w, "-");
		put_number(w, r->off + r->len - 1);
	} else
		wr_str(w, "*");
	wr_str(w, "/");
	put_number(w, content_size(r->content));
	wr_str(w, "\r\n");
}

/* The fields that speak of the content: on 200 and 206, and (§15.4.5) on 304. */
static void
put_content_fields(struct writer *w, const struct reply *r)
{
	char date[HTTP_DATE_TEXT];

	if (r->status != 304) {
		/* Whole and without parameters: EDK2 compares it so (HttpBootSupport.c).
		 */
		put_field(w, "Content-Type: ", content_type(r->content));
		put_field(w, "Accept-Ranges: ", "bytes");
	}
	if (content_etag(r->content) != NULL)
		put_field(w, "ETag: ", content_etag(r->content));
	if (r->mtime != 0)
		put_field(w, "Last-Modified: ", http_date_format(r->mtime, date));
}

/*
 * Length on everything but a 304, which has no body and whose length would be
 * the 200's. iPXE wants it in plain decimals; EDK2 without it loads in two passes.
 */
static void
put_length(struct writer *w, const struct reply *r)
{
	if (r->status == 304 || r->stream != NULL)
		return;
	wr_str(w, "Content-Length: ");
	put_number(w, reply_body_len(r));
	wr_str(w, "\r\n");
}

static void
put_connection(struct writer *w, const struct reply *r, const struct request *req)
{
	if (r->close)
		wr_str(w, "Connection: close\r\n");
	else if (req->minor == 0)
		wr_str(w, "Connection: keep-alive\r\n");
}

void
reply_head(struct writer *w, const struct reply *r, const struct request *req,
	const char *date)
{
	put_field(w, "HTTP/1.1 ", status_line(r->status));
	put_field(w, "Date: ", date);
	wr_str(w,
		"Server: pixie\r\n"); /* in a capture: which of the boot servers it was */
	if (reply_sends_content(r) || r->status == 304)
		put_content_fields(w, r);
	else
		put_field(w, "Content-Type: ",
			r->type ? r->type : "text/plain; charset=utf-8");
	put_length(w, r);
	if (r->content != NULL && (r->status == 206 || r->status == 416))
		put_content_range(w, r);
	if (r->allow != NULL)
		put_field(w, "Allow: ", r->allow);
	if (r->retry_after != 0) {
		wr_str(w, "Retry-After: ");
		put_number(w, r->retry_after);
		wr_str(w, "\r\n");
	}
	if (r->fields != NULL)
		wr_str(w, r->fields);
	put_connection(w, r, req);
	wr_str(w, "\r\n");
}

void
reply_done(struct reply *r)
{
	content_unref(r->content);
	r->content = NULL;
	stream_free(r->stream);
	r->stream = NULL;
}
