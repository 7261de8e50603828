/* Counters are exact, whatever the ring forgets and however many kinds there are. */
#include "clock.h"

#include "machine/tally.h"

static void
exact_though_the_ring_went_round(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 64, 64 * 1024);
	struct tally_numbers n;
	uint64_t cursor = 0, lost = 0;
	size_t machines, transfers;
	struct event out[1];
	char buf[1000];

	for (unsigned i = 0; i < 5000; i++) {
		struct sighting who = seen_as(i % 50);
		struct event asked = {.kind = EV_ASKED,
			.via = VIA_TFTP,
			.arch = -1,
			.name = "snponly64.efi",
			.total = 100};
		struct progress *p = registry_transfer_begin(r, &who, &asked);

		c.ms += 20;
		registry_transfer_end(r, p,
			&(struct event){.kind = i % 5 ? EV_SENT : EV_FAILED,
				.via = VIA_TFTP,
				.arch = -1,
				.bytes = 100,
				.packets = 3,
				.resent = 1});
	}
	registry_events(r, &cursor, NULL, out, 1, buf, sizeof(buf), &lost);
	assert_true(lost > 0); /* else the test tests nothing */
	tally_read(registry_tally(r), &n);
	assert_int_equal(n.events[EV_ASKED], 5000);
	assert_int_equal(n.whole[VIA_TFTP], 4000);
	assert_int_equal(n.broken[VIA_TFTP], 1000);
	assert_int_equal(n.whole[VIA_HTTP], 0);
	assert_int_equal(n.bytes[VIA_TFTP], 500000);
	assert_int_equal(n.packets[VIA_TFTP], 15000);
	assert_int_equal(n.resent[VIA_TFTP], 5000);
	assert_int_equal(n.took[VIA_TFTP].counts[1], 4000); /* 10 to 50 ms */
	assert_true(n.took[VIA_TFTP].sum > 79.9 && n.took[VIA_TFTP].sum < 80.1);
	assert_int_equal(n.events[EV_BOOT], 50);
	registry_count(r, &machines, &transfers);
	assert_int_equal(machines, 50);
	assert_int_equal(transfers, 0);
	registry_free(r);
}

static struct event
offer(int arch, const char *strategy)
{
	return (struct event){.kind = EV_OFFER, .arch = (int16_t)arch, .text = strategy};
}

static void
offers_by_kind(void **state)
{
	struct event a = offer(7, "on 4011"), b = offer(-1, "on 4011"),
		     d = offer(0, NULL);
	struct tally_numbers n;
	struct tally t;

	tally_init(&t);
	tally_event(&t, &a, -1);
	tally_event(&t, &b, 7); /* the machine's, where the event has none */
	tally_event(&t, &b, -1);
	tally_event(&t, &d, -1);
	tally_read(&t, &n);
	assert_int_equal(n.n_offers, 3);
	assert_int_equal(n.offers[0].n, 2);
	assert_int_equal(n.offers[0].arch, 7);
	assert_int_equal(n.offers[1].arch, -1);
	assert_string_equal(n.offers[2].strategy, "");
	tally_deinit(&t);
}

/* Too many kinds: none is lost, the last ones share a place. */
static void
kinds_are_bounded(void **state)
{
	struct tally_numbers n;
	uint64_t sum = 0, verdicts = 0;
	struct tally t;

	tally_init(&t);
	for (int i = 0; i < 1000; i++) {
		char text[32];
		struct event e = offer(i % 300, text);

		snprintf(text, sizeof(text), "way-%d", i);
		tally_event(&t, &e, -1);
		tally_verdict(&t, "failed", text, 12000);
	}
	tally_read(&t, &n);
	assert_int_equal(n.n_offers, OFFERS_MAX);
	assert_string_equal(n.offers[OFFERS_MAX - 1].strategy, "other");
	assert_int_equal(n.n_verdicts, VERDICTS_MAX);
	for (unsigned i = 0; i < n.n_offers; i++)
		sum += n.offers[i].n;
	for (unsigned i = 0; i < n.n_verdicts; i++)
		verdicts += n.verdicts[i].n;
	assert_int_equal(sum, 1000);
	assert_int_equal(verdicts, 1000);
	tally_deinit(&t);
}

static void
buckets(void **state)
{
	static const uint32_t ms[] = {0, 10, 11, 300000, 300001, 4000000};
	static const unsigned in[] = {0, 0, 1, 9, 10, 10};
	struct tally_numbers n;

	for (size_t i = 0; i < COUNT(ms); i++) {
		struct event e = {.kind = EV_SENT, .via = VIA_HTTP, .ms = ms[i]};
		struct tally t;

		tally_init(&t);
		tally_event(&t, &e, -1);
		tally_read(&t, &n);
		assert_int_equal(n.took[VIA_HTTP].counts[in[i]], 1);
		tally_deinit(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_though_the_ring_went_round),
		cmocka_unit_test(offers_by_kind),
		cmocka_unit_test(kinds_are_bounded),
		cmocka_unit_test(buckets),
	};

	return cmocka_run_group_tests_name("machine tally", tests, NULL, NULL);
}
