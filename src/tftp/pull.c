/* The sending half of a session: what is due now, and what it changes to have sent it. */
#include <assert.h>
#include <errno.h>

#include "tftp/inside.h"

static uint32_t
at_most(uint32_t v, uint32_t max)
{
	return v < max ? v : max;
}

static void
pull_offer(struct tftp_session *s, struct tftp_out *out, struct mono now)
{
	const struct tftp_opts granted = {.set = s->granted,
		.value = {[TFTP_BLKSIZE] = s->blksize,
			[TFTP_TSIZE] = s->size,
			[TFTP_TIMEOUT] = s->timeout,
			[TFTP_WINDOWSIZE] = s->window}};

	tftp_out_control(out, tftp_put_oack(out->scratch, TFTP_CONTROL_MAX, &granted));
	s->say = false;
	if (s->rto.timing || s->rto.backoff || s->resent) {
		rto_cancel(&s->rto);
		s->resent++;
	} else
		rto_start(&s->rto, 0, now);
	if (s->held)
		s->alive = now;
	s->held = false;
	tftp_session_wait(s, now);
}

static void
pull_error(struct tftp_session *s, struct tftp_out *out)
{
	tftp_out_control(out, tftp_put_error(out->scratch, TFTP_CONTROL_MAX,
				      TFTP_E_UNDEFINED, tftp_outcome_text(s->outcome)));
	s->say = false;
}

/*
 * Blocks next … end translated; finds out on the way which is the last. When that was
 * known, or blocks behind it are out already, the file is not what it was.
 */
static int
fill_netascii(struct tftp_session *s, struct tftp_out *out, uint32_t end)
{
	for (uint32_t b = s->next; b <= end && b <= s->last; b++) {
		uint8_t *body = out->scratch + out->used;
		int n = netascii_read(&s->tip, s->content, body, s->blksize);

		if (n < 0)
			return n;
		if ((unsigned)n < s->blksize ? b < s->high : b == s->last)
			return -ESTALE;
		if ((unsigned)n < s->blksize)
			s->last = b;
		tftp_out_block(out, b, body, (size_t)n);
		out->used += (size_t)n;
	}
	return 0;
}

/*
 * Checked after reading: what was read before the check was still the old file.
 * The end is checked also when it is sent again, as it is then read again.
 */
static int
check_content(struct tftp_session *s, uint32_t end)
{
	if (end < s->check_at && end != s->last)
		return 0;
	s->check_at = end + 1 + TFTP_CHECK_EVERY / s->blksize;
	return content_check(s->content);
}

/* The last block that may be under way. */
static uint32_t
window_end(const struct tftp_session *s)
{
	return at_most(s->acked + s->window, s->last);
}

/* Accounts for the frames of `out` as sent. */
static void
sent_burst(struct tftp_session *s, const struct tftp_out *out, struct mono now)
{
	uint32_t first = s->next, end = first + out->n - 1;
	/* We let the client wait: the window's last block leaves long after its first. */
	bool late = s->paced || s->held;

	if (first <= s->high)
		s->resent += at_most(end, s->high) - first + 1;
	if (end > s->high) {
		rto_start(&s->rto, first > s->high ? first : s->high + 1, now);
		s->high = end;
		if (late)
			s->alive = now;
	}
	s->next = end + 1;
	s->held = false;
	if (late || first == s->acked + 1)
		tftp_session_wait(s, now);
}

static bool
pull_data(struct tftp_session *s, struct tftp_out *out, struct mono now)
{
	unsigned room = tftp_out_room(out, s->blksize);
	uint32_t end = at_most(window_end(s), s->next - 1 + room);
	int err;

	if (end < s->next)
		return false;
	tftp_out_begin(out, s->blksize);
	err = s->mode == TFTP_OCTET
		      ? tftp_out_blocks(out, s->content, s->blksize, s->next, end)
		      : fill_netascii(s, out, end);
	if (err == 0)
		err = check_content(s, s->next + out->n - 1);
	if (err < 0) {
		tftp_session_fail_read(s, err, now);
		pull_error(s, out);
		return true;
	}
	sent_burst(s, out, now);
	return true;
}

bool
tftp_session_pull(struct tftp_session *s, struct tftp_out *out, struct mono now)
{
	if (s->state == TFTP_SENDING)
		return pull_data(s, out, now);
	if (!s->say)
		return false;
	if (s->state == TFTP_OFFERED)
		pull_offer(s, out, now);
	else
		pull_error(s, out);
	return true;
}

size_t
tftp_session_due(const struct tftp_session *s)
{
	if (s->state != TFTP_SENDING || s->next > window_end(s))
		return 0;
	return TFTP_HEAD + s->blksize;
}

void
tftp_session_unsent(struct tftp_session *s, unsigned n)
{
	uint32_t end = s->next - 1;

	rto_cancel(&s->rto);
	s->held = true;
	if (s->state != TFTP_SENDING) {
		s->say = true;
		return;
	}
	if (s->mode == TFTP_NETASCII) /* no place to go back to but the window's */
		return;
	s->next -= n;
	assert(s->next > s->acked);
	if (s->next <= s->recover)
		s->resent -= at_most(end, s->recover) - s->next + 1;
	s->high = s->next <= s->recover ? s->recover : s->next - 1;
}
