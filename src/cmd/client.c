#define _GNU_SOURCE
#include "cmd/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/hwaddr.h"
#include "base/netaddr.h"
#include "cmd/control.h"
#include "cmd/fail.h"

#define ANSWER_MAX (64 << 20)
#define PATIENCE 20 /* seconds; the server gives up before that */

static int
unreachable(const char *path, int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		return fail(EX_UNAVAILABLE,
			"nobody listens at %s: pixie does not run, or runs with "
			"--no-timeline, --control none or another --control",
			path);
	case EACCES:
		return fail(EX_NOPERM,
			"%s: this user may not open it; root and the group of pixie may",
			path);
	}
	return fail(EX_UNAVAILABLE, "%s: %s", path, strerror(-error));
}

static bool
send_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
send_question(int fd, const char *method, const char *path, const char *body)
{
	char *text = NULL;
	int n = asprintf(&text,
		"%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: pixie/" PIXIE_VERSION
		"\r\nConnection: close\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		method, path, body ? strlen(body) : 0, body ? body : "");
	bool ok = n > 0 && send_all(fd, text, (size_t)n);

	free(text);
	return ok;
}

/* To the end of the connection; NUL-terminated. NULL: it broke, or is too long. */
static char *
receive_all(int fd, size_t *len)
{
	size_t cap = 64 * 1024;
	char *buf = malloc(cap + 1), *grown;
	ssize_t n = 1;

	for (*len = 0; buf != NULL && n != 0 && *len < ANSWER_MAX;) {
		n = recv(fd, buf + *len, cap - *len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		*len += (size_t)n;
		if (*len == cap) {
			grown = realloc(buf, 2 * cap + 1);
			if (grown == NULL)
				break;
			buf = grown;
			cap *= 2;
		}
	}
	if (buf == NULL || n != 0) {
		free(buf);
		return NULL;
	}
	buf[*len] = '\0';
	return buf;
}

/* "HTTP/1.1 200 OK", fields, an empty line, the body: all of it, or it is no answer. */
static bool
parse(char *all, size_t len, struct answer *out)
{
	char *end = strstr(all, "\r\n\r\n"), *length;
	json_error_t error;

	if (end == NULL || strncmp(all, "HTTP/1.1 ", 9) != 0)
		return false;
	end[2] = '\0';
	out->status = atoi(all + 9);
	length = strcasestr(all, "\r\nContent-Length:");
	out->len = len - (size_t)(end + 4 - all);
	if (length == NULL || strtoull(length + 17, NULL, 10) != out->len)
		return false;
	out->text = malloc(out->len + 1);
	if (out->text == NULL)
		return false;
	memcpy(out->text, end + 4, out->len + 1);
	out->json = json_loadb(out->text, out->len, 0, &error);
	return out->status >= 100;
}

int
client_ask(const struct conf *c, const char *method, const char *path, const char *body,
	struct answer *out)
{
	struct timeval patience = {.tv_sec = PATIENCE};
	char at[CONTROL_PATH], *all = NULL;
	int fd = control_connect(c, at);
	size_t len;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return unreachable(at, fd);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	ok = send_question(fd, method, path, body) &&
	     (all = receive_all(fd, &len)) != NULL && parse(all, len, out);
	free(all);
	close(fd);
	return ok ? EX_OK
		  : fail(EX_PROTOCOL, "%s: the server did not answer as pixie does", at);
}

void
answer_free(struct answer *a)
{
	json_decref(a->json);
	free(a->text);
}

bool
client_names_machine(const char *word)
{
	struct netaddr addr;
	struct mac mac;

	return mac_parse(word, strlen(word), &mac) || netaddr_parse_host(word, &addr);
}

const char *
answer_error(const struct answer *a)
{
	const char *words = member_text(a->json, "error");

	return *words ? words : "the server gave no reason";
}

const char *
member_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

int64_t
member_number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

int64_t
member_time(const json_t *o, const char *name)
{
	struct tm tm = {0};
	const char *rest = strptime(member_text(o, name), "%Y-%m-%dT%H:%M:%S", &tm);

	if (rest == NULL)
		return 0;
	return (int64_t)timegm(&tm) * 1000 + (*rest == '.' ? atoi(rest + 1) : 0);
}

/* Bytes of the control character at `p`: 0, 1, or 2 for U+0080 to U+009F, of which a
 * terminal takes U+009B for the begin of a command. */
static size_t
control_at(const char *p)
{
	unsigned char c = (unsigned char)p[0];

	if (c < ' ' || c == 0x7f)
		return 1;
	return c == 0xc2 && ((unsigned char)p[1] & 0xe0) == 0x80 ? 2 : 0;
}

void
print_plain(const char *text, size_t width)
{
	for (size_t i = 0; i < width && text[i] != '\0';) {
		size_t n = control_at(text + i);

		putchar(n ? '?' : text[i]);
		i += n ? n : 1;
	}
}

void
print_folded(const char *text, size_t column, size_t width)
{
	size_t used = column;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (used > column && used + 1 + word > width) {
			printf("\n%*s", (int)column, "");
			used = column;
		}
		if (used > column)
			putchar(' ');
		used += word + (used > column);
		print_plain(text, word);
		text += word + (text[word] == ' ');
	}
}
