#include "tftp/rto.h"

/*
 * EDK2 repeats its ACK only after 4 s, so this timer alone decides how fast a
 * loss heals. RFC 6298 §2.1 begins at 1 s and RFC 1123 §4.2.3.2 leaves the values
 * open; a boot server and its clients are nearly always one LAN apart.
 */
#define FIRST_RTO MONO_MS(500)
/* What measuring may make of it; RFC 6298 §2.4 has this for the least. */
#define SLOWEST_RTO MONO_S(1)
#define MAX_BACKOFF 6

/*
 * How soon after a block was sent a repeated ACK may bring it again. Without a
 * window 100 ms: an echo of our own duplicate comes much sooner, and answering it
 * is the Sorcerer's Apprentice (RFC 1123 §4.2.3.1). With a window a gap is common
 * and this is only a suspicion that any progress takes back.
 */
#define LOCKSTEP_HURRY MONO_MS(100)
#define WINDOW_HURRY MONO_MS(2)

static int64_t
at_most(int64_t v, int64_t max)
{
	return v < max ? v : max;
}

static int64_t
clamp(int64_t v, int64_t min, int64_t max)
{
	return v < min ? min : at_most(v, max);
}

void
rto_init(struct rto *rto, int64_t min, int64_t max)
{
	max = at_most(max, RTO_MAX);
	*rto = (struct rto){.min = (int32_t)at_most(min, max), .max = (int32_t)max};
}

void
rto_start(struct rto *rto, uint32_t block, struct mono now)
{
	if (rto->timing)
		return;
	rto->timing = true;
	rto->timed = block;
	rto->timed_at = now;
}

void
rto_cancel(struct rto *rto)
{
	rto->timing = false;
}

/* §2.2 and §2.3. The clock's grain is far below the minimum, so G plays no part. */
static void
take_sample(struct rto *rto, int32_t rtt)
{
	int32_t error;

	if (rto->srtt == 0) {
		rto->srtt = rtt;
		rto->rttvar = rtt / 2;
	} else {
		error = rtt > rto->srtt ? rtt - rto->srtt : rto->srtt - rtt;
		rto->rttvar += (error - rto->rttvar) / 4;
		rto->srtt += (rtt - rto->srtt) / 8;
		if (rto->srtt < 1)
			rto->srtt = 1;
	}
	rto->backoff = 0;
}

void
rto_acknowledge(struct rto *rto, uint32_t block, struct mono now)
{
	if (!rto->timing || block < rto->timed)
		return;
	rto->timing = false;
	take_sample(rto, (int32_t)clamp(mono_since(now, rto->timed_at), 1, RTO_MAX));
}

void
rto_back_off(struct rto *rto)
{
	if (rto->backoff < MAX_BACKOFF)
		rto->backoff++;
	rto->timed_out = true;
}

void
rto_doubt(struct rto *rto)
{
	if (rto->doubts < MAX_BACKOFF)
		rto->doubts++;
}

void
rto_ease_off(struct rto *rto)
{
	rto->doubts = 0;
	if (!rto->timed_out)
		rto->backoff = 0;
	rto->timed_out = false;
}

/*
 * An ACK that was lost comes by the client's own timer, of a second or more, and looks
 * like a slow road when our timer had been doubled beyond that. So it is never believed
 * that the road takes so long: doubling is for what is really slow.
 */
static int64_t
smooth(const struct rto *rto)
{
	return at_most(rto->srtt ? rto->srtt + 4 * rto->rttvar : FIRST_RTO, SLOWEST_RTO);
}

/* §2.4 the minimum, §5.5 doubling, §2.5 the maximum. */
int64_t
rto_value(const struct rto *rto)
{
	return at_most(clamp(smooth(rto), rto->min, rto->max) << rto->backoff, rto->max);
}

int64_t
rto_hurry(const struct rto *rto, bool lockstep)
{
	int64_t careful = clamp(smooth(rto), LOCKSTEP_HURRY, rto->max);

	if (lockstep)
		return careful;
	return at_most(clamp(smooth(rto), WINDOW_HURRY, careful) << rto->doubts, careful);
}
