#include "tftp/session.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define UNKNOWN UINT64_MAX

/*
 * EDK2 repeats its ACK only after 4 s, so this timer alone decides how fast a
 * loss heals. RFC 6298 §2.1 begins at 1 s and RFC 1123 §4.2.3.2 leaves the values
 * open; a boot server and its clients are nearly always one LAN apart.
 */
#define FIRST_RTO MONO_MS(500)
/* What measuring may make of it; RFC 6298 §2.4 has this for the least. */
#define SLOWEST_RTO MONO_S(1)
/*
 * atftp answers a repeated block once; when that ACK is lost, too, it waits for 5 s
 * without any packet before it asks again. Were we never silent that long, it and
 * we would go on for ever.
 */
#define MAX_RTO MONO_S(8)
#define MAX_BACKOFF 6

/*
 * How soon after a block was sent a repeated ACK may bring it again. Without a
 * window 100 ms: an echo of our own duplicate comes much sooner, and answering it
 * is the Sorcerer's Apprentice (RFC 1123 §4.2.3.1). With a window a gap is common
 * and the timer below is only a suspicion that any progress takes back.
 */
#define LOCKSTEP_HURRY MONO_MS(100)
#define WINDOW_HURRY MONO_MS(2)

/*
 * Without progress for so long, it is over. A client that has answered gets 30 s:
 * EDK2 tries for 24 s, switches learn a spanning tree in 30. One that never did
 * gets 12 s, as a forged address would have us send to somebody who never asked.
 * One that lacks only its last ACK gets 6 s, as many never send it (dnsmasq
 * tftp.c) and EDK2, when it is the block that was lost, asks again after 4.
 */
#define PATIENCE MONO_S(30)
#define PATIENCE_HELLO MONO_S(12)
#define PATIENCE_END MONO_S(6)

#define LINGER MONO_S(3)
/* A repeated request this soon after progress is a duplicate from the network. */
#define STRAY_REQUEST MONO_S(1)
/* A changed file is found out at the latest after so much more of it. */
#define CHECK_EVERY (4u << 20)

static const char *const outcomes[] = {
	[TFTP_RUNNING] = "running",
	[TFTP_DONE] = "done",
	[TFTP_DONE_UNCONFIRMED] = "done, but the last ACK never came",
	[TFTP_ABORTED] = "ended by the client",
	[TFTP_REJECTED] = "rejected by the client",
	[TFTP_UNANSWERED] = "the client never answered",
	[TFTP_SILENT] = "the client stopped answering",
	[TFTP_CHANGED] = "the file changed while it was being sent",
	[TFTP_UNREADABLE] = "the file cannot be read",
	[TFTP_REPLACED] = "the client asked anew",
	[TFTP_SHUTDOWN] = "the server is shutting down",
};

const char *
tftp_outcome_text(enum tftp_outcome outcome)
{
	return outcomes[outcome];
}

/* The one place that changes the state. */
static void
enter(struct tftp_session *s, enum tftp_state to)
{
	static const unsigned edges[] = {
		[TFTP_OFFERED] = 1u << TFTP_SENDING | 1u << TFTP_LINGERING,
		[TFTP_SENDING] = 1u << TFTP_LINGERING,
		[TFTP_LINGERING] = 1u << TFTP_CLOSED,
		[TFTP_CLOSED] = 0,
	};

	assert(edges[s->state] & 1u << to);
	s->state = to;
	if (to == TFTP_CLOSED)
		s->deadline = MONO_NEVER;
}

static void
finish(struct tftp_session *s, enum tftp_outcome outcome, struct mono now)
{
	enter(s, TFTP_LINGERING);
	s->outcome = outcome;
	s->say = false;
	s->since = now;
	s->deadline = mono_after(now, LINGER);
	content_unref(s->content);
	s->content = NULL;
}

void
tftp_session_abort(struct tftp_session *s, enum tftp_outcome outcome, enum tftp_code code,
	const char *text, struct mono now)
{
	if (s->state >= TFTP_LINGERING)
		return;
	finish(s, outcome, now);
	s->code = code;
	s->text = text;
	s->say = text != NULL;
}

static void
fail_read(struct tftp_session *s, int err, struct mono now)
{
	enum tftp_outcome outcome = err == -ESTALE ? TFTP_CHANGED : TFTP_UNREADABLE;

	tftp_session_abort(s, outcome, TFTP_E_UNDEFINED, tftp_outcome_text(outcome), now);
}

/* The retransmission timer: RFC 6298. */

/*
 * An ACK that was lost comes by the client's own timer, of a second or more, and looks
 * like a slow road when our timer had been doubled beyond that. So it is never believed
 * that the road takes so long: doubling is for what is really slow.
 */
static int64_t
smooth_rto(const struct tftp_session *s)
{
	int64_t measured = s->srtt ? s->srtt + 4 * s->rttvar : FIRST_RTO;

	return measured < SLOWEST_RTO ? measured : SLOWEST_RTO;
}

static int64_t
clamp(int64_t v, int64_t min, int64_t max)
{
	return v < min ? min : v > max ? max : v;
}

/* §2.4 the minimum, §5.5 doubling, §2.5 the maximum. */
static int64_t
rto(const struct tftp_session *s)
{
	return clamp(clamp(smooth_rto(s), s->min_rto, s->max_rto) << s->backoff, 0,
		s->max_rto);
}

/* The wait after which a gap that an ACK hints at is believed. */
static int64_t
hurry(const struct tftp_session *s)
{
	int64_t careful = clamp(smooth_rto(s), LOCKSTEP_HURRY, s->max_rto);

	if (s->window == 1)
		return careful;
	return clamp(
		clamp(smooth_rto(s), WINDOW_HURRY, careful) << s->doubts, 0, careful);
}

/* A suspicion that does not help grows slower on its own; it is no timeout. */
static void
back_off(struct tftp_session *s)
{
	unsigned *shift = s->suspect ? &s->doubts : &s->backoff;

	if (*shift < MAX_BACKOFF)
		++*shift;
	if (!s->suspect)
		s->timed_out = true;
}

/*
 * Karn: an answer to what was sent twice neither measures nor ends the backing
 * off. But with a window and many losses hardly a block is sent once, so progress
 * of what was sent since ends it as well.
 */
static void
ease_off(struct tftp_session *s)
{
	s->doubts = 0;
	if (!s->timed_out)
		s->backoff = 0;
	s->timed_out = false;
}

/* Measures from the sending of `block`, unless a measurement is under way. */
static void
start_timing(struct tftp_session *s, uint64_t block, struct mono now)
{
	if (s->timing)
		return;
	s->timing = true;
	s->timed = block;
	s->timed_at = now;
}

/* §2.2 and §2.3. The clock's grain is far below the minimum, so G plays no part. */
static void
take_sample(struct tftp_session *s, int64_t rtt)
{
	int64_t error;

	if (rtt < 1)
		rtt = 1;
	if (s->srtt == 0) {
		s->srtt = rtt;
		s->rttvar = rtt / 2;
	} else {
		error = rtt > s->srtt ? rtt - s->srtt : s->srtt - rtt;
		s->rttvar += (error - s->rttvar) / 4;
		s->srtt += (rtt - s->srtt) / 8;
		if (s->srtt < 1)
			s->srtt = 1;
	}
	s->backoff = 0;
}

static void
acknowledge_timing(struct tftp_session *s, uint64_t block, struct mono now)
{
	if (!s->timing || block < s->timed)
		return;
	s->timing = false;
	take_sample(s, mono_since(now, s->timed_at));
}

/* Never beyond the end of our patience, however often the client asks again. */
static void
wait_rto(struct tftp_session *s, struct mono now)
{
	struct mono end = mono_after(s->alive, s->heard ? PATIENCE : PATIENCE_HELLO);

	s->since = now;
	s->suspect = false;
	s->deadline = mono_earlier(mono_after(now, rto(s)), end);
}

/* Where in the content a block is. */

static uint64_t
offset_of(const struct tftp_session *s, uint64_t block)
{
	return (block - 1) * s->blksize;
}

/* What the byte at the cursor becomes; moves on. RFC 764 by way of RFC 1350 §1. */
static uint8_t
netascii_next(struct tftp_cursor *at, uint8_t c)
{
	if (!at->half && (c == '\n' || c == '\r')) {
		at->half = true;
		return '\r';
	}
	if (at->half)
		c = c == '\n' ? '\n' : '\0';
	at->half = false;
	at->off++;
	return c;
}

/*
 * Translates one block from `at` on into `out` (NULL: only moves on). Returns its
 * length, shorter than a block at the end of the content, or -errno.
 */
static int
netascii_block(const struct tftp_session *s, struct tftp_cursor *at, uint8_t *out)
{
	uint8_t chunk[512];
	unsigned n = 0;
	int err;

	while (n < s->blksize && at->off < s->size) {
		uint64_t start = at->off, left = s->size - start;
		size_t len = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);

		if (len > s->blksize - n)
			len = s->blksize - n;
		err = content_read(s->content, start, chunk, len);
		if (err < 0)
			return err;
		while (n < s->blksize && at->off < start + len) {
			uint8_t c = netascii_next(at, chunk[at->off - start]);

			if (out != NULL)
				out[n] = c;
			n++;
		}
	}
	return (int)n;
}

static void
rewind_to_acked(struct tftp_session *s)
{
	s->next = s->acked + 1;
	s->tip = s->base;
	s->recover = s->high;
	/* Karn: an answer to what is sent twice measures nothing. */
	s->timing = false;
}

/* Moves `acked` to `block`, and `next` along with it where it fell behind. */
static int
advance(struct tftp_session *s, uint64_t block)
{
	int n = 0;

	if (block + 1 == s->next)
		s->base = s->tip;
	else if (s->mode == TFTP_NETASCII)
		for (uint64_t b = s->acked; b < block && n >= 0; b++)
			n = netascii_block(s, &s->base, NULL);
	if (n < 0)
		return n;
	s->acked = block;
	if (s->next <= block) {
		s->next = block + 1;
		s->tip = s->base;
	}
	assert(s->acked <= s->high && s->high <= s->last);
	return 0;
}

/* Opening: which options are granted. */

static void
grant(struct tftp_session *s, enum tftp_option o, uint64_t value)
{
	s->granted.set |= 1u << o;
	s->granted.value[o] = value;
}

static uint64_t
at_most(uint64_t asked, uint64_t max)
{
	return asked < max ? asked : max;
}

/*
 * RFC 2347: the OACK holds nothing that was not asked for. Sizes only shrink and
 * the timeout is echoed, as EDK2 checks (Mtftp4RrqOackValid) and the RFCs say.
 */
static void
negotiate(struct tftp_session *s, const struct tftp_request *req,
	const struct tftp_terms *terms)
{
	unsigned asked = req->opts.set & ~terms->refuse;
	const uint64_t *value = req->opts.value;

	if (asked & 1u << TFTP_BLKSIZE && terms->blksize_max >= TFTP_BLKSIZE_MIN)
		grant(s, TFTP_BLKSIZE, at_most(value[TFTP_BLKSIZE], terms->blksize_max));
	/*
	 * RFC 2349: the size is that of the transfer; netascii's is not known. curl
	 * takes a size of 0 for a bad one and gives up, so an empty file has none.
	 */
	if (asked & 1u << TFTP_TSIZE && req->mode == TFTP_OCTET && s->size > 0)
		grant(s, TFTP_TSIZE, s->size);
	if (asked & 1u << TFTP_TIMEOUT)
		grant(s, TFTP_TIMEOUT, value[TFTP_TIMEOUT]);
	if (asked & 1u << TFTP_WINDOWSIZE)
		grant(s, TFTP_WINDOWSIZE,
			at_most(value[TFTP_WINDOWSIZE], terms->window_max));
}

/*
 * The timeout asked for bounds ours from above only: RFC 2349 has the client say
 * how long the server may take, and a loss should heal sooner. The bound leaves
 * the client's own timer, which is mostly the same, time to run out first.
 */
static void
apply(struct tftp_session *s)
{
	const struct tftp_opts *o = &s->granted;

	s->blksize = TFTP_BLKSIZE_DEFAULT;
	s->window = 1;
	s->max_rto = MAX_RTO;
	if (o->set & 1u << TFTP_BLKSIZE)
		s->blksize = (unsigned)o->value[TFTP_BLKSIZE];
	if (o->set & 1u << TFTP_WINDOWSIZE)
		s->window = (unsigned)o->value[TFTP_WINDOWSIZE];
	if (o->set & 1u << TFTP_TIMEOUT)
		s->max_rto = clamp(MONO_S(o->value[TFTP_TIMEOUT]) * 3 / 2, 0, MAX_RTO);
}

void
tftp_session_open(struct tftp_session *s, const struct tftp_request *req,
	struct content *content, const struct tftp_terms *terms, struct mono now)
{
	assert(terms->window_max >= 1 && terms->window_max <= TFTP_WINDOW_MAX);
	assert(terms->blksize_max <= TFTP_BLKSIZE_MAX);
	*s = (struct tftp_session){
		.content = content,
		.size = content_size(content),
		.mode = req->mode,
		.min_rto = terms->min_rto,
		.paced = terms->paced,
		.next = 1,
		.last = UNKNOWN,
		.alive = now,
	};
	negotiate(s, req, terms);
	apply(s);
	s->check_at = 1 + CHECK_EVERY / s->blksize;
	if (s->mode == TFTP_OCTET)
		s->last = s->size / s->blksize + 1;
	s->state = s->granted.set ? TFTP_OFFERED : TFTP_SENDING;
	s->say = s->state == TFTP_OFFERED;
	wait_rto(s, now);
}

void
tftp_session_free(struct tftp_session *s)
{
	content_unref(s->content);
	s->content = NULL;
}

/* Answers. */

static void
hear_from(struct tftp_session *s, struct mono now)
{
	s->heard = true;
	s->heard_at = now;
}

/*
 * Something was lost, or looks like it. When that cannot be known yet, waits: any
 * progress within hurry() shows that it was not.
 */
static void
suspect_gap(struct tftp_session *s, struct mono now)
{
	struct mono believed = mono_after(s->since, hurry(s));

	if (mono_reached(believed, now)) {
		rewind_to_acked(s);
		return;
	}
	if (believed.us < s->deadline.us) {
		s->deadline = believed;
		s->suspect = true;
	}
}

/*
 * RFC 7440 §4: an ACK from inside the window means that the block after it is
 * missing; begin again there. But what was sent again since the last rewind may
 * have been there already, and EDK2 answers each such block with an ACK of what it
 * has by now. To take that for a gap would send another window twice, and so on
 * for ever: such ACKs only raise a suspicion.
 */
static void
gap(struct tftp_session *s, struct mono now)
{
	if (s->acked <= s->recover)
		suspect_gap(s, now);
	else
		rewind_to_acked(s);
}

static void
progress(struct tftp_session *s, uint64_t block, struct mono now)
{
	uint64_t step = block - s->acked;
	int err;

	ease_off(s);
	acknowledge_timing(s, block, now);
	err = advance(s, block);
	if (err < 0) {
		fail_read(s, err, now);
		return;
	}
	hear_from(s, now);
	s->alive = now;
	if (s->acked == s->last) {
		finish(s, TFTP_DONE, now);
		return;
	}
	wait_rto(s, now);
	if (s->acked + 1 >= s->next)
		return;
	/*
	 * One block further, and more are out: either the next was lost or this
	 * client acknowledges every block whatever the window. The next ACK tells;
	 * until then the window slides.
	 */
	if (step == 1)
		suspect_gap(s, now);
	else
		gap(s, now);
}

static const char *
input_ack(struct tftp_session *s, uint16_t block, struct mono now)
{
	uint16_t ahead = (uint16_t)(block - s->acked);

	if (ahead == 0) {
		/*
		 * U-Boot and Syslinux repeat their last ACK to ask for the next
		 * block; EDK2 does, once a packet, after a gap.
		 */
		hear_from(s, now);
		suspect_gap(s, now);
		return NULL;
	}
	if (ahead <= s->high - s->acked) {
		progress(s, s->acked + ahead, now);
		return NULL;
	}
	/* RFC 1123 §4.2.3.1: an old ACK never brings a block again. */
	return ahead >= 0x8000 ? "ACK of a block acknowledged before"
			       : "ACK of a block never sent";
}

/* RFC 2347: ACK 0 accepts the OACK. */
static const char *
input_ack_of_offer(struct tftp_session *s, uint16_t block, struct mono now)
{
	if (block != 0)
		return "ACK of a block while ACK 0 is awaited";
	acknowledge_timing(s, 0, now);
	hear_from(s, now);
	s->say = false;
	s->alive = now;
	enter(s, TFTP_SENDING);
	wait_rto(s, now);
	return NULL;
}

/*
 * After an error of ours the client may not have got it: it is said again, at
 * most ten times a second. After success nothing is left to say.
 */
static const char *
absorb(struct tftp_session *s, struct mono now)
{
	if (s->text != NULL && mono_since(now, s->since) >= LOCKSTEP_HURRY) {
		s->since = now;
		s->say = true;
	}
	return NULL;
}

/*
 * Clients say ERROR when they have had enough, which is no failure: EDK2 asks for
 * the size and ends with 8 (Mtftp4Rrq.c), iPXE with 0, others with 3 or 4.
 */
static void
input_error(struct tftp_session *s, uint16_t code, struct mono now)
{
	bool usual = code == TFTP_E_UNDEFINED || code == TFTP_E_DISK_FULL ||
		     code == TFTP_E_ILLEGAL || code == TFTP_E_OPTIONS;

	finish(s, usual ? TFTP_ABORTED : TFTP_REJECTED, now);
}

const char *
tftp_session_input(struct tftp_session *s, const struct tftp_pkt *pkt, struct mono now)
{
	if (pkt->op != TFTP_ACK && pkt->op != TFTP_ERROR)
		return "neither ACK nor ERROR on a transfer's port";
	if (s->state == TFTP_CLOSED)
		return "the transfer is over";
	if (s->state == TFTP_LINGERING)
		return pkt->op == TFTP_ACK ? absorb(s, now) : NULL;
	if (pkt->op == TFTP_ERROR) {
		input_error(s, pkt->code, now);
		return NULL;
	}
	if (s->state == TFTP_OFFERED)
		return input_ack_of_offer(s, pkt->block, now);
	return input_ack(s, pkt->block, now);
}

/*
 * In the first exchange a repeated request means that our OACK or DATA 1 was lost.
 * Later it is a duplicate from the network, unless the transfer has stood still:
 * then the machine was reset and asks again from the same port.
 */
enum tftp_repeat
tftp_session_repeat(struct tftp_session *s, struct mono now)
{
	if (s->state >= TFTP_LINGERING)
		return TFTP_REPEAT_ANEW;
	if (s->heard)
		return mono_since(now, s->alive) < STRAY_REQUEST ? TFTP_REPEAT_ABSORBED
								 : TFTP_REPEAT_ANEW;
	if (mono_since(now, s->since) < LOCKSTEP_HURRY)
		return TFTP_REPEAT_ABSORBED;
	if (s->state == TFTP_OFFERED)
		s->say = true;
	else
		rewind_to_acked(s);
	return TFTP_REPEAT_ABSORBED;
}

/* What has become of a transfer that stands still, or TFTP_RUNNING for patience. */
static enum tftp_outcome
verdict(const struct tftp_session *s, struct mono now)
{
	if (!s->heard)
		return mono_since(now, s->alive) < PATIENCE_HELLO ? TFTP_RUNNING
								  : TFTP_UNANSWERED;
	/* A client that lacks a block would have asked for it again. */
	if (s->high == s->last && mono_since(now, s->heard_at) >= PATIENCE_END)
		return TFTP_DONE_UNCONFIRMED;
	return mono_since(now, s->alive) < PATIENCE ? TFTP_RUNNING : TFTP_SILENT;
}

void
tftp_session_timeout(struct tftp_session *s, struct mono now)
{
	enum tftp_outcome outcome;

	if (s->state == TFTP_CLOSED || !mono_reached(s->deadline, now))
		return;
	if (s->state == TFTP_LINGERING) {
		enter(s, TFTP_CLOSED);
		return;
	}
	outcome = verdict(s, now);
	if (outcome != TFTP_RUNNING) {
		finish(s, outcome, now);
		return;
	}
	back_off(s);
	if (s->state == TFTP_OFFERED)
		s->say = true;
	else
		rewind_to_acked(s);
	wait_rto(s, now);
}

/* Sending. */

static void
put_control(struct tftp_out *out, size_t len)
{
	assert(len > 0);
	out->n = 1;
	out->size = len;
	out->frames[0].iov[0] = (struct iovec){out->control, len};
	out->frames[0].iov[1] = (struct iovec){NULL, 0};
}

static void
pull_offer(struct tftp_session *s, struct tftp_out *out, struct mono now)
{
	put_control(out, tftp_put_oack(out->control, sizeof(out->control), &s->granted));
	s->say = false;
	if (s->timing || s->backoff || s->resent) {
		s->timing = false; /* Karn */
		s->resent++;
	} else
		start_timing(s, 0, now);
	wait_rto(s, now);
}

static void
pull_error(struct tftp_session *s, struct tftp_out *out)
{
	put_control(out,
		tftp_put_error(out->control, sizeof(out->control), s->code, s->text));
	s->say = false;
}

static void
put_frame(struct tftp_out *out, uint64_t block, const uint8_t *body, size_t len)
{
	unsigned i = out->n++;

	tftp_put_data_head(out->heads[i], (uint16_t)block);
	out->frames[i].iov[0] = (struct iovec){out->heads[i], TFTP_HEAD};
	out->frames[i].iov[1] = (struct iovec){(void *)body, len};
}

/* Blocks next … end as they lie in the content, by one read when it is a file. */
static int
fill_octet(struct tftp_session *s, struct tftp_out *out, uint64_t end)
{
	uint64_t off = offset_of(s, s->next), left = s->size - off;
	size_t len = (size_t)at_most((end - s->next + 1) * s->blksize, left);
	const uint8_t *body = len ? content_view(s->content, off) : out->scratch;
	int err;

	if (body == NULL) {
		err = content_read(s->content, off, out->scratch, len);
		if (err < 0)
			return err;
		body = out->scratch;
	}
	for (uint64_t b = s->next; b <= end; b++) {
		size_t n = len < s->blksize ? len : s->blksize;

		put_frame(out, b, body, n);
		body += n;
		len -= n;
	}
	return 0;
}

/*
 * The same translated; finds out on the way which block is the last. When that was
 * known, or blocks behind it are out already, the file is not what it was.
 */
static int
fill_netascii(struct tftp_session *s, struct tftp_out *out, uint64_t end)
{
	uint8_t *body = out->scratch;

	for (uint64_t b = s->next; b <= end && b <= s->last; b++) {
		int n = netascii_block(s, &s->tip, body);

		if (n < 0)
			return n;
		if ((unsigned)n < s->blksize ? b < s->high : b == s->last)
			return -ESTALE;
		if ((unsigned)n < s->blksize)
			s->last = b;
		put_frame(out, b, body, (size_t)n);
		body += n;
	}
	return 0;
}

/*
 * Checked after reading: what was read before the check was still the old file.
 * The end is checked also when it is sent again, as it is then read again.
 */
static int
check_content(struct tftp_session *s, uint64_t end)
{
	if (end < s->check_at && end != s->last)
		return 0;
	s->check_at = end + 1 + CHECK_EVERY / s->blksize;
	return content_check(s->content);
}

/* The last block that may be under way. */
static uint64_t
window_end(const struct tftp_session *s)
{
	return at_most(s->acked + s->window, s->last);
}

static uint64_t
burst_end(const struct tftp_session *s, const struct tftp_out *out)
{
	uint64_t end = window_end(s);
	uint64_t room = out->scratch_size / s->blksize;

	if (room > UDP_BURST_MAX)
		room = UDP_BURST_MAX;
	if (out->most > 0)
		room = at_most(room, out->most);
	return at_most(end, s->next - 1 + room);
}

/* Accounts for the frames of `out` as sent. */
static void
sent_burst(struct tftp_session *s, const struct tftp_out *out, struct mono now)
{
	uint64_t first = s->next, end = first + out->n - 1;
	/* Paced, the window's last block may leave much later than its first. */
	bool restart = first == s->acked + 1 || s->paced;

	if (first <= s->high)
		s->resent += at_most(end, s->high) - first + 1;
	if (end > s->high) {
		start_timing(s, first > s->high ? first : s->high + 1, now);
		s->high = end;
	}
	s->next = end + 1;
	if (restart)
		wait_rto(s, now);
}

static bool
pull_data(struct tftp_session *s, struct tftp_out *out, struct mono now)
{
	uint64_t end = burst_end(s, out);
	int err;

	if (end < s->next)
		return false;
	out->n = 0;
	out->size = TFTP_HEAD + s->blksize;
	err = s->mode == TFTP_OCTET ? fill_octet(s, out, end)
				    : fill_netascii(s, out, end);
	if (err == 0)
		err = check_content(s, s->next + out->n - 1);
	if (err < 0) {
		fail_read(s, err, now);
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
	if (s->state != TFTP_SENDING) {
		s->say = true;
		return;
	}
	if (s->mode == TFTP_NETASCII) /* no place to go back to but the window's */
		return;
	s->timing = false;
	s->next -= n;
	assert(s->next > s->acked);
}

struct mono
tftp_session_deadline(const struct tftp_session *s)
{
	return s->deadline;
}

uint64_t
tftp_session_bytes(const struct tftp_session *s)
{
	if (s->mode == TFTP_NETASCII)
		return s->base.off;
	return at_most(s->acked * s->blksize, s->size);
}

bool
tftp_session_rolls_over(const struct tftp_session *s)
{
	return s->mode == TFTP_OCTET && s->last > UINT16_MAX;
}
