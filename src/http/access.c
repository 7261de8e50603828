#include "http/access.h"

#include "base/log.h"

/* 304s are a client's cache at work, Prometheus asks every 15 seconds; what was cut, or
 * is our fault, stands out. */
static enum log_level
level_of(const struct exchange *x, const char *cut)
{
	if (cut != NULL) /* a page that is closed ends its stream of events so */
		return x->is_quiet ? LEVEL_DEBUG : LEVEL_WARNING;
	if (x->status == 304 || (x->is_quiet && x->status < 400))
		return LEVEL_DEBUG;
	if (x->status == 503)
		return LEVEL_WARNING;
	return x->status == 500 ? LEVEL_ERROR : LEVEL_INFO;
}

static const char *
event_of(const struct exchange *x, const char *cut)
{
	if (cut != NULL)
		return "http-aborted";
	return x->status >= 400 ? "http-refused" : "http-sent";
}

struct line {
	struct kv kv[16];
	size_t n;
};

static void
put(struct line *line, struct kv kv)
{
	line->kv[line->n++] = kv;
}

static void
put_note(struct line *line, const char *key, const struct exchange *x, uint16_t at)
{
	if (exchange_note(x, at) != NULL)
		put(line, STR(key, exchange_note(x, at)));
}

void
access_end(struct quota *quota)
{
	quota_end(quota, "http-flood");
}

void
access_record(const struct exchange *x, struct client *client, const char *cut,
	struct quota *quota, struct mono now)
{
	enum log_level level = level_of(x, cut);
	struct line line = {.n = 0};
	struct who who;

	if (cut != NULL || x->status >= 400)
		level = quota_level(quota, "http-flood", level, now);
	if (!log_on(level))
		return;
	who = *client_who(client);
	if (x->path != 0)
		identify_by_name(&who, exchange_note(x, x->path));
	put(&line, STR("method", method_text(x->method)));
	put_note(&line, "path", x, x->path);
	put(&line, NUM("status", x->status));
	put(&line, NUM("bytes", x->sent));
	if (cut != NULL) {
		put(&line, NUM("missing", x->left));
		put(&line, STR("cut", cut));
	}
	put(&line, NUM("ms", mono_since(now, x->began) / 1000));
	put_note(&line, "range", x, x->range);
	put_note(&line, "served", x, x->served);
	put_note(&line, "why", x, x->why);
	put_note(&line, "agent", x, x->agent);
	log_event(level, who.label, event_of(x, cut), line.kv, line.n);
}
