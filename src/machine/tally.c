#include "machine/tally.h"

#include <stdio.h>
#include <string.h>

const double transfer_bounds[BUCKETS] = {0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300};
const double boot_bounds[BUCKETS] = {5, 10, 15, 20, 30, 60, 120, 300, 600, 1800};

_Static_assert(VIAS == VIA_HTTP + 1, "every transport is counted");

void
tally_init(struct tally *t)
{
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
}

void
tally_deinit(struct tally *t)
{
	pthread_mutex_destroy(&t->lock);
}

static void
observe(struct histogram *h, const double bounds[BUCKETS], double seconds)
{
	unsigned i = 0;

	while (i < BUCKETS && seconds > bounds[i])
		i++;
	h->counts[i]++;
	h->sum += seconds;
}

static void
count_offer(struct tally_numbers *n, const char *strategy, int16_t arch)
{
	unsigned i = 0;

	if (strategy == NULL)
		strategy = "";
	while (i < n->n_offers &&
		(n->offers[i].arch != arch ||
			strncmp(n->offers[i].strategy, strategy, STRATEGY_TEXT - 1) != 0))
		i++;
	if (i >= OFFERS_MAX - 1) { /* no room for one more kind beside "other" */
		i = OFFERS_MAX - 1;
		arch = -1;
		strategy = "other";
	}
	if (i >= n->n_offers) {
		n->n_offers = i + 1;
		n->offers[i].arch = arch;
		snprintf(n->offers[i].strategy, STRATEGY_TEXT, "%s", strategy);
	}
	n->offers[i].n++;
}

static void
count_transfer(struct tally_numbers *n, const struct event *e)
{
	n->whole[e->via] += e->kind == EV_SENT;
	n->broken[e->via] += e->kind == EV_FAILED;
	n->bytes[e->via] += e->bytes;
	n->packets[e->via] += e->packets;
	n->resent[e->via] += e->resent;
	if (e->kind == EV_SENT)
		observe(&n->took[e->via], transfer_bounds, e->ms / 1000.0);
}

void
tally_event(struct tally *t, const struct event *e, int16_t arch)
{
	struct tally_numbers *n = &t->numbers;

	pthread_mutex_lock(&t->lock);
	n->events[e->kind]++;
	if (e->kind == EV_OFFER || e->kind == EV_ACK)
		count_offer(n, e->text, e->arch >= 0 ? e->arch : arch);
	if (e->kind == EV_SENT || e->kind == EV_FAILED)
		count_transfer(n, e);
	pthread_mutex_unlock(&t->lock);
}

void
tally_own(struct tally *t, const struct event *e)
{
	switch (e->kind) {
	case EV_BOOT:
	case EV_STATE:
	case EV_DONE:
	case EV_VERDICT:
	case EV_STALLED:
		tally_event(t, e, -1);
		break;
	default:
		break;
	}
}

void
tally_verdict(struct tally *t, const char *outcome, const char *reason, int64_t boot_ms)
{
	struct tally_numbers *n = &t->numbers;
	unsigned i = 0;

	pthread_mutex_lock(&t->lock);
	while (i < n->n_verdicts && (strcmp(n->verdicts[i].outcome, outcome) != 0 ||
					    strcmp(n->verdicts[i].reason, reason) != 0))
		i++;
	if (i >= VERDICTS_MAX - 1) {
		i = VERDICTS_MAX - 1;
		outcome = "other";
		reason = "other";
	}
	if (i >= n->n_verdicts) {
		n->n_verdicts = i + 1;
		snprintf(n->verdicts[i].outcome, OUTCOME_TEXT, "%s", outcome);
		snprintf(n->verdicts[i].reason, REASON_TEXT, "%s", reason);
	}
	n->verdicts[i].n++;
	observe(&n->verdicts[i].took, boot_bounds, (double)boot_ms / 1000);
	pthread_mutex_unlock(&t->lock);
}

void
tally_read(struct tally *t, struct tally_numbers *out)
{
	pthread_mutex_lock(&t->lock);
	*out = t->numbers;
	pthread_mutex_unlock(&t->lock);
}
