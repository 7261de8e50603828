/*
 * What is counted of all that servers tell, for metrics. Counted as it is told, so that
 * it stays exact however often the ring goes round.
 */
#ifndef PIXIE_MACHINE_TALLY_H
#define PIXIE_MACHINE_TALLY_H

#include <pthread.h>

#include "machine/event.h"

#define VIAS 4 /* as many as there are transports */
#define OFFERS_MAX 64
#define VERDICTS_MAX 64
#define STRATEGY_TEXT 64
#define REASON_TEXT 40
#define OUTCOME_TEXT 16

/* How many took how long: of bucket i at most `bounds[i]` seconds, the last no bound. */
#define BUCKETS 10
struct histogram {
	uint64_t counts[BUCKETS + 1]; /* not cumulative */
	double sum;                   /* seconds */
};
extern const double transfer_bounds[BUCKETS], boot_bounds[BUCKETS];

struct offer_count {
	int16_t arch; /* -1 unknown */
	char strategy[STRATEGY_TEXT];
	uint64_t n;
};

struct verdict_count {
	char outcome[OUTCOME_TEXT], reason[REASON_TEXT];
	uint64_t n;
	struct histogram took;
};

struct tally_numbers {
	uint64_t events[EVENT_KIND_COUNT];
	/* By transport, of files asked for: */
	uint64_t whole[VIAS], broken[VIAS], bytes[VIAS], packets[VIAS], resent[VIAS];
	struct histogram took[VIAS];
	/* The last of each is "other" once there are too many kinds. */
	struct offer_count offers[OFFERS_MAX];
	struct verdict_count verdicts[VERDICTS_MAX];
	unsigned n_offers, n_verdicts;
};

struct tally {
	pthread_mutex_t lock;
	struct tally_numbers numbers;
};

void tally_init(struct tally *t);
void tally_deinit(struct tally *t);

/* Something was told. `arch`: the machine's, where the event has none; -1 unknown. */
void tally_event(struct tally *t, const struct event *e, int16_t arch);
/*
 * The registry appends an event: counted if it is of those that it makes by itself;
 * what servers tell was counted when they told it, and may be appended otherwise.
 */
void tally_own(struct tally *t, const struct event *e);
/* A boot was given a verdict, `boot_ms` milliseconds after it had begun. */
void tally_verdict(
	struct tally *t, const char *outcome, const char *reason, int64_t boot_ms);

/* All of it as it is now; from any thread. */
void tally_read(struct tally *t, struct tally_numbers *out);

#endif
