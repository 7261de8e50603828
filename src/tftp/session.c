#include "tftp/session.h"

#include <assert.h>
#include <errno.h>

#include "tftp/inside.h"

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
/* An OACK or ERROR is said again at most so often; a first block, too. */
#define SAY_AGAIN MONO_MS(100)
/* A repeated request this soon after progress is a duplicate from the network. */
#define STRAY_REQUEST MONO_S(1)
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
	[TFTP_TOO_LARGE] = "the file is too large for this block size",
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
tftp_session_abort(struct tftp_session *s, enum tftp_outcome outcome, struct mono now)
{
	if (s->state >= TFTP_LINGERING)
		return;
	finish(s, outcome, now);
	s->fails = s->say = outcome != TFTP_REPLACED;
}

void
tftp_session_fail_read(struct tftp_session *s, int err, struct mono now)
{
	tftp_session_abort(s, err == -ESTALE ? TFTP_CHANGED : TFTP_UNREADABLE, now);
}

/* Never beyond the end of our patience, however often the client asks again. */
void
tftp_session_wait(struct tftp_session *s, struct mono now)
{
	struct mono end = mono_after(s->alive, s->heard ? PATIENCE : PATIENCE_HELLO);

	s->since = now;
	s->suspect = false;
	s->deadline = mono_earlier(mono_after(now, rto_value(&s->rto)), end);
}

static void
rewind_to_acked(struct tftp_session *s)
{
	s->next = s->acked + 1;
	s->tip = s->base;
	s->recover = s->high;
	rto_cancel(&s->rto);
}

/* Moves `acked` to `block`, and `next` along with it where it fell behind. */
static int
advance(struct tftp_session *s, uint32_t block)
{
	int n = 0;

	if (block + 1 == s->next)
		s->base = s->tip;
	else if (s->mode == TFTP_NETASCII)
		for (uint32_t b = s->acked; b < block && n >= 0; b++)
			n = netascii_read(&s->base, s->content, NULL, s->blksize);
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

/* So that counting a window ahead does not roll over; netascii may double the bytes. */
static bool
is_too_large(const struct tftp_session *s)
{
	uint64_t most = (uint64_t)(UINT32_MAX - 2 * TFTP_WINDOW_MAX) * s->blksize;

	return s->size >= (s->mode == TFTP_NETASCII ? most / 2 : most);
}

void
tftp_session_open(struct tftp_session *s, const struct tftp_request *req,
	struct content *content, const struct tftp_terms *terms, struct mono now)
{
	struct tftp_opts granted;

	assert(terms->window_max >= 1 && terms->window_max <= TFTP_WINDOW_MAX);
	assert(terms->blksize_max <= TFTP_BLKSIZE_MAX);
	granted = tftp_grant(req, terms, content_size(content));
	*s = (struct tftp_session){
		.content = content,
		.size = content_size(content),
		.mode = req->mode,
		.granted = (uint8_t)granted.set,
		.timeout = (uint8_t)granted.value[TFTP_TIMEOUT],
		.blksize = (uint16_t)tftp_blksize(&granted),
		.window = (uint8_t)tftp_window(&granted),
		.paced = terms->paced,
		.next = 1,
		.last = UINT32_MAX,
		.alive = now,
	};
	rto_init(&s->rto, terms->min_rto, tftp_max_rto(&granted));
	s->check_at = 1 + TFTP_CHECK_EVERY / s->blksize;
	s->state = s->granted ? TFTP_OFFERED : TFTP_SENDING;
	s->say = s->state == TFTP_OFFERED;
	tftp_session_wait(s, now);
	if (is_too_large(s))
		tftp_session_abort(s, TFTP_TOO_LARGE, now);
	else if (s->mode == TFTP_OCTET)
		s->last = (uint32_t)(s->size / s->blksize) + 1;
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
 * progress within rto_hurry() shows that it was not.
 */
static void
suspect_gap(struct tftp_session *s, struct mono now)
{
	struct mono believed = mono_after(s->since, rto_hurry(&s->rto, s->window == 1));

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
progress(struct tftp_session *s, uint32_t block, struct mono now)
{
	uint32_t step = block - s->acked;
	int err;

	rto_ease_off(&s->rto);
	rto_acknowledge(&s->rto, block, now);
	err = advance(s, block);
	if (err < 0) {
		tftp_session_fail_read(s, err, now);
		return;
	}
	hear_from(s, now);
	s->alive = now;
	if (s->acked == s->last) {
		finish(s, TFTP_DONE, now);
		return;
	}
	tftp_session_wait(s, now);
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
	rto_acknowledge(&s->rto, 0, now);
	hear_from(s, now);
	s->say = false;
	s->alive = now;
	enter(s, TFTP_SENDING);
	tftp_session_wait(s, now);
	return NULL;
}

/*
 * After an error of ours the client may not have got it: it is said again, at
 * most ten times a second. After success nothing is left to say.
 */
static const char *
absorb(struct tftp_session *s, struct mono now)
{
	if (s->fails && mono_since(now, s->since) >= SAY_AGAIN) {
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
	if (mono_since(now, s->since) < SAY_AGAIN)
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
	if (s->high == s->last && mono_since(now, s->heard_at) >= PATIENCE_END &&
		mono_since(now, s->alive) >= PATIENCE_END)
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
	/* A suspicion is no timeout. */
	if (s->suspect)
		rto_doubt(&s->rto);
	else
		rto_back_off(&s->rto);
	if (s->state == TFTP_OFFERED)
		s->say = true;
	else
		rewind_to_acked(s);
	tftp_session_wait(s, now);
}

struct mono
tftp_session_deadline(const struct tftp_session *s)
{
	return s->deadline;
}

uint64_t
tftp_session_bytes(const struct tftp_session *s)
{
	uint64_t bytes;

	if (s->mode == TFTP_NETASCII)
		return s->base.off;
	bytes = (uint64_t)s->acked * s->blksize;
	return bytes < s->size ? bytes : s->size;
}

bool
tftp_session_rolls_over(const struct tftp_session *s)
{
	return s->mode == TFTP_OCTET && s->last > UINT16_MAX;
}
