#include "machine/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

const char *
bytes_say(uint64_t bytes, char buf[static BYTES_TEXT])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes / 1000;
	size_t u = 0;

	if (bytes < 1000) {
		snprintf(buf, BYTES_TEXT, "%u byte%s", (unsigned)bytes,
			bytes == 1 ? "" : "s");
		return buf;
	}
	for (; v >= 999.95 && u + 1 < sizeof(units) / sizeof(*units); u++)
		v /= 1000;
	snprintf(buf, BYTES_TEXT, "%.1f %s", v, units[u]);
	return buf;
}

static const char *
or_else(const char *text, const char *otherwise)
{
	return text != NULL && *text != '\0' ? text : otherwise;
}

static bool
is(const char *text)
{
	return text != NULL && *text != '\0';
}

/* What is asked for, with the transport: "snponly64.efi by TFTP". */
static void
put_file(struct writer *w, const struct event *e)
{
	wr_str(w, or_else(e->name, "a file"));
	if (e->via == VIA_TFTP || e->via == VIA_HTTP)
		wr_str(w, e->via == VIA_TFTP ? " by TFTP" : " by HTTP");
}

static void
put_reason(struct writer *w, const char *text)
{
	if (is(text))
		wr_fmt(w, ": %s", text);
}

static void
put_amount(struct writer *w, const struct event *e)
{
	char some[BYTES_TEXT], all[BYTES_TEXT];

	if (e->total > 0)
		wr_fmt(w, "at %s of %s (%u %%)", bytes_say(e->bytes, some),
			bytes_say(e->total, all),
			(unsigned)((double)e->bytes * 100 / (double)e->total));
	else
		wr_fmt(w, "at %s", bytes_say(e->bytes, some));
}

static void
say_discover(struct writer *w, const struct event *e)
{
	wr_str(w, "Asks by DHCP what to boot");
	if (is(e->text))
		wr_fmt(w, " (%s)", e->text);
}

static void
say_offer(struct writer *w, const struct event *e)
{
	wr_fmt(w, "We offer %s", or_else(e->name, "our address"));
	if (is(e->text))
		wr_fmt(w, ", as %s", e->text);
}

static void
say_silent(struct writer *w, const struct event *e)
{
	wr_str(w, "We do not answer its DHCP");
	put_reason(w, e->text);
}

static void
say_ack(struct writer *w, const struct event *e)
{
	wr_fmt(w, "Asks on port 4011 and is told %s", or_else(e->name, "our address"));
}

static void
say_other_offer(struct writer *w, const struct event *e)
{
	wr_fmt(w, "Another DHCP server (%s) offers it %s", or_else(e->text, "unknown"),
		or_else(e->name, "a boot file"));
}

static void
say_asked(struct writer *w, const struct event *e)
{
	char all[BYTES_TEXT];

	wr_str(w, "Asks for ");
	put_file(w, e);
	if (e->total > 0)
		wr_fmt(w, " (%s)", bytes_say(e->total, all));
}

static void
say_probed(struct writer *w, const struct event *e)
{
	wr_str(w, "Asks only for the size of ");
	put_file(w, e);
}

static void
say_sent(struct writer *w, const struct event *e)
{
	char all[BYTES_TEXT];

	wr_str(w, "Has fetched ");
	put_file(w, e);
	wr_fmt(w, ": %s in ", bytes_say(e->bytes, all));
	if (e->ms >= 1000)
		wr_fmt(w, "%u.%u s", e->ms / 1000, e->ms % 1000 / 100);
	else if (e->ms > 0)
		wr_fmt(w, "%u ms", e->ms);
	else
		wr_str(w, "less than 1 ms");
	if (e->resent > 0)
		wr_fmt(w, ", %u packet%s sent again", e->resent,
			e->resent == 1 ? "" : "s");
}

static void
say_failed(struct writer *w, const struct event *e)
{
	wr_str(w, "The transfer of ");
	put_file(w, e);
	wr_str(w, " broke off ");
	put_amount(w, e);
	put_reason(w, e->text);
}

static void
say_missing(struct writer *w, const struct event *e)
{
	wr_str(w, "Asks for ");
	put_file(w, e);
	wr_str(w, ", which does not exist");
	put_reason(w, e->text);
}

static void
say_refused(struct writer *w, const struct event *e)
{
	wr_str(w, "Is refused ");
	put_file(w, e);
	put_reason(w, e->text);
}

static void
say_script(struct writer *w, const struct event *e)
{
	wr_fmt(w, "Is given its script, %s", or_else(e->name, "a generated one"));
}

static void
say_local(struct writer *w, const struct event *e)
{
	wr_str(w, "Is told to boot its local disk");
	if (is(e->text))
		wr_fmt(w, ", by its state (%s)",
			strcmp(e->text, "local") == 0 ? "local, or a once that is used up"
						      : e->text);
}

static void
say_state(struct writer *w, const struct event *e)
{
	wr_fmt(w, "Its state is now '%s'", or_else(e->name, "boot"));
	if (is(e->text))
		wr_fmt(w, " (%s)", e->text);
}

static void
say_done(struct writer *w, const struct event *e)
{
	wr_str(w, "Reports that it is done");
}

static void
say_boot(struct writer *w, const struct event *e)
{
	wr_fmt(w, "Boot %" PRIu32 " begins", e->boot);
}

static void
say_verdict(struct writer *w, const struct event *e)
{
	wr_str(w, or_else(e->text, or_else(e->name, "A verdict without words")));
}

static void
say_stalled(struct writer *w, const struct event *e)
{
	wr_str(w, "The transfer of ");
	put_file(w, e);
	wr_str(w, " stands still ");
	put_amount(w, e);
}

static void
say_server(struct writer *w, const struct event *e)
{
	wr_str(w, or_else(e->text, or_else(e->name, "Something happened to pixie")));
}

/* A kind without its sentence does not compile: the table is as long as the list. */
static void (*const sayers[])(struct writer *, const struct event *) = {
	[EV_DISCOVER] = say_discover,
	[EV_OFFER] = say_offer,
	[EV_SILENT] = say_silent,
	[EV_ACK] = say_ack,
	[EV_OTHER_OFFER] = say_other_offer,
	[EV_ASKED] = say_asked,
	[EV_PROBED] = say_probed,
	[EV_SENT] = say_sent,
	[EV_FAILED] = say_failed,
	[EV_MISSING] = say_missing,
	[EV_REFUSED] = say_refused,
	[EV_SCRIPT] = say_script,
	[EV_LOCAL] = say_local,
	[EV_STATE] = say_state,
	[EV_DONE] = say_done,
	[EV_BOOT] = say_boot,
	[EV_VERDICT] = say_verdict,
	[EV_STALLED] = say_stalled,
	[EV_SERVER] = say_server,
};
_Static_assert(sizeof(sayers) / sizeof(*sayers) == EVENT_KIND_COUNT, "a kind to say");

const char *
event_say(const struct event *e, char buf[static SAY_MAX])
{
	struct writer w = writer_of(buf, SAY_MAX - 1);

	sayers[e->kind](&w, e);
	if (w.len > 0 && buf[w.len - 1] != '.' && !w.bad)
		wr_str(&w, ".");
	buf[w.len] = '\0';
	return buf;
}
