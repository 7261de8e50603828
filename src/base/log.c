#include "base/log.h"

#include <ctype.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

/* Below PIPE_BUF, so that a pipe takes a line whole or not at all. */
#define LINE_MAX_BYTES 2048
/* A value, escapes included: a name of 2 KB must not push the others out of the line. */
#define VALUE_MAX_BYTES 600

static const char *const level_names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
/* sd-daemon(3): err, warning, info, debug */
static const char *const journal_prefix[] = {"<3>", "<4>", "<6>", "<7>"};

static enum log_level current_level = LEVEL_INFO;
static bool to_journal;
static atomic_uint lost; /* lines, since the last one that got through */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/*
 * Threads that write lines must not look as if they had waited for each other: the
 * thread sanitizer would believe it, and miss races on either side of a line.
 */
#ifdef __SANITIZE_THREAD__
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
#else
#define AnnotateIgnoreSyncBegin(file, line) ((void)0)
#define AnnotateIgnoreSyncEnd(file, line) ((void)0)
#endif

bool
log_level_parse(const char *text, enum log_level *out)
{
	for (int i = LEVEL_ERROR; i <= LEVEL_DEBUG; i++)
		if (strcasecmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

/* systemd.exec(5): JOURNAL_STREAM is the device:inode of the stream it connected. */
static bool
stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return text != NULL && sscanf(text, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void
log_init(enum log_level level)
{
	current_level = level;
	to_journal = stderr_is_journal();
}

bool
log_on(enum log_level level)
{
	return level <= current_level;
}

static bool
is_plain(unsigned char c)
{
	return isgraph(c) && c != '"' && c != '\\' && c != '=' && c < 0x80;
}

static void
put_escaped(struct writer *w, unsigned char c)
{
	if (c == '"' || c == '\\') {
		wr_u8(w, '\\');
		wr_u8(w, c);
	} else if (c < 0x20 || c >= 0x7f)
		wr_fmt(w, "\\x%02x", c);
	else
		wr_u8(w, c);
}

static void
put_text(struct writer *w, const char *text, size_t len)
{
	size_t plain = 0;

	while (plain < len && is_plain((unsigned char)text[plain]))
		plain++;
	if (plain == len && len > 0 && len <= VALUE_MAX_BYTES) {
		wr_mem(w, text, len);
		return;
	}
	wr_u8(w, '"');
	for (size_t i = 0, from = w->len; i < len; i++) {
		if (w->len - from >= VALUE_MAX_BYTES) {
			wr_str(w, "...");
			break;
		}
		put_escaped(w, (unsigned char)text[i]);
	}
	wr_u8(w, '"');
}

static void
put_value(struct writer *w, const struct kv *kv)
{
	char buf[NETADDR_TEXT];

	switch (kv->type) {
	case KV_TEXT:
		put_text(w, kv->text ? kv->text : "", kv->text ? strlen(kv->text) : 0);
		break;
	case KV_BYTES:
		put_text(w, kv->text, kv->len);
		break;
	case KV_NUM:
		wr_fmt(w, "%lld", (long long)kv->num);
		break;
	case KV_PEER:
		wr_str(w, netaddr_text(kv->peer, buf));
		break;
	}
}

size_t
log_format(char *buf, size_t cap, enum log_level level, const char *who,
	const char *event, const struct kv *kv, size_t n)
{
	struct writer w = writer_of(buf, cap - 1);

	wr_fmt(&w, "%s %s %s", level_names[level], who && *who ? who : "-", event);
	for (size_t i = 0; i < n; i++) {
		wr_fmt(&w, " %s=", kv[i].key);
		put_value(&w, &kv[i]);
	}
	buf[w.len] = '\0';
	return w.len;
}

/* RFC 3339 in UTC with milliseconds, and a space. */
static size_t
put_time(char *buf, size_t cap)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(buf + n, cap - n, ".%03ldZ ", ts.tv_nsec / 1000000);
}

/* False: another writes for so long that it must be stuck. */
static bool
take_turn(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	return pthread_mutex_timedlock(&turn, &until) == 0;
}

/*
 * One write, so that lines of several threads do not mix. Whoever reads our standard
 * error may be stuck (a full pipe, a terminal stopped by Ctrl-S), and a write would
 * stop every boot with it: then the line is lost. O_NONBLOCK would say the same, but
 * it belongs to all who share the pipe or terminal. One thread at a time: the room that
 * one was told of must not go to another.
 */
static bool
put_line(const char *line, size_t len)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
	bool put = false;

	AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
	if (take_turn()) {
		put = poll(&err, 1, 0) == 1 && err.revents & POLLOUT &&
		      write(STDERR_FILENO, line, len) >= 0;
		pthread_mutex_unlock(&turn);
	}
	AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
	return put;
}

static bool
log_line(enum log_level level, const char *who, const char *event, const struct kv *kv,
	size_t n)
{
	char line[LINE_MAX_BYTES];
	size_t at;

	if (to_journal)
		at = (size_t)snprintf(line, sizeof(line), "%s", journal_prefix[level]);
	else
		at = put_time(line, sizeof(line));
	at += log_format(line + at, sizeof(line) - at - 1, level, who, event, kv, n);
	line[at++] = '\n';
	return put_line(line, at);
}

/* Relaxed, for it is but a number, and see above. */
static void
lose(unsigned lines)
{
	atomic_fetch_add_explicit(&lost, lines, memory_order_relaxed);
}

void
log_event(enum log_level level, const char *who, const char *event, const struct kv *kv,
	size_t n)
{
	unsigned missing = 0;

	if (!log_on(level))
		return;
	if (atomic_load_explicit(&lost, memory_order_relaxed) != 0)
		missing = atomic_exchange_explicit(&lost, 0, memory_order_relaxed);
	if (missing &&
		!log_line(LEVEL_WARNING, NULL, "log-lost", &NUM("lines", missing), 1))
		lose(missing);
	if (!log_line(level, who, event, kv, n))
		lose(1);
}
