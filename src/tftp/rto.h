/*
 * The retransmission timer of one transfer: RFC 6298 with Karn's rule, and the shorter
 * wait after which a gap that ACKs hint at is believed. It has no clock: it is told
 * the time. Lengths are in µs.
 */
#ifndef PIXIE_TFTP_RTO_H
#define PIXIE_TFTP_RTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/*
 * §2.5 the maximum. atftp answers a repeated block once; when that ACK is lost, too, it
 * waits for 5 s without any packet before it asks again. Were we never silent that long,
 * it and we would go on for ever.
 */
#define RTO_MAX MONO_S(8)

struct rto {
	/* `timed` is awaited since `timed_at`; none when !timing. */
	struct mono timed_at;
	uint32_t timed;
	bool timing;
	bool timed_out;          /* what is under way was sent because it ran out */
	uint8_t backoff, doubts; /* doublings of the timer, and of the wait at a gap */
	int32_t srtt, rttvar;    /* srtt 0: not known yet */
	int32_t min, max;        /* all four RTO_MAX at most */
};

/* `min`: the least it waits; `max`: the most, RTO_MAX where that is less. */
void rto_init(struct rto *rto, int64_t min, int64_t max);

/* `block` leaves for the first time: measures from now, unless it measures already. */
void rto_start(struct rto *rto, uint32_t block, struct mono now);
/* Karn (§3): what was measured is sent again, so an answer measures nothing. */
void rto_cancel(struct rto *rto);
/* All up to `block` has arrived: a sample, if one of these was measured. */
void rto_acknowledge(struct rto *rto, uint32_t block, struct mono now);

/* §5.5: it ran out. */
void rto_back_off(struct rto *rto);
/* A gap that was believed; when that does not help the next one is believed later. */
void rto_doubt(struct rto *rto);
/*
 * There was progress. By Karn an answer to what was sent twice neither measures nor
 * ends the backing off. But with a window and many losses hardly a block is sent once,
 * so progress of what was sent since ends it as well.
 */
void rto_ease_off(struct rto *rto);

/* How long to wait before what is under way is sent again. */
int64_t rto_value(const struct rto *rto);
/* How soon after a block was sent an ACK that hints at its loss is believed. */
int64_t rto_hurry(const struct rto *rto, bool lockstep);

#endif
