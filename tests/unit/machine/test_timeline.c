/* The ring: what is read is what was appended, until it is overwritten. */
#include "unit.h"

#include "machine/index.h"
#include "machine/timeline.h"

static void
append(struct timeline *t, uint32_t owner, unsigned len)
{
	char name[300];
	struct event e = {.kind = EV_SENT, .via = VIA_TFTP, .arch = 7, .bytes = len};

	memset(name, 'n', sizeof(name));
	name[len % 300] = '\0';
	e.name = len % 300 ? name : NULL;
	timeline_append(t, owner, &e);
}

static void
test_reads_what_was_appended(void **state)
{
	struct timeline t;
	struct event e = {.kind = EV_FAILED,
		.via = VIA_HTTP,
		.arch = 11,
		.status = 404,
		.ms = 7,
		.resent = 3,
		.packets = 9,
		.bytes = 1ull << 40,
		.total = 1ull << 41,
		.boot = 5,
		.wall_ms = 12345,
		.mac = {{1, 2, 3, 4, 5, 6}},
		.addr = netaddr_of_v4(be32_from(0x0a000001), 99),
		.name = "a name",
		.text = "why"};
	struct event got;

	(void)state;
	assert_true(timeline_init(&t, 0));
	got = record_event(timeline_at(&t, timeline_append(&t, 3, &e)));
	assert_int_equal(got.seq, 1);
	assert_int_equal(got.kind, EV_FAILED);
	assert_int_equal(got.via, VIA_HTTP);
	assert_int_equal(got.arch, 11);
	assert_int_equal(got.status, 404);
	assert_int_equal(got.ms, 7);
	assert_int_equal(got.resent, 3);
	assert_int_equal(got.packets, 9);
	assert_int_equal(got.bytes, 1ull << 40);
	assert_int_equal(got.total, 1ull << 41);
	assert_int_equal(got.boot, 5);
	assert_int_equal(got.wall_ms, 12345);
	assert_memory_equal(&got.mac, &e.mac, sizeof(e.mac));
	assert_true(netaddr_same_host(&got.addr, &e.addr));
	assert_string_equal(got.name, "a name");
	assert_string_equal(got.text, "why");
	timeline_deinit(&t);
}

/* The largest, none, and none between some: each is its own again. */
static void
test_numbers(void **state)
{
	static const struct event rows[] = {
		{.total = UINT64_MAX,
			.bytes = UINT64_MAX,
			.packets = UINT32_MAX,
			.ms = UINT32_MAX,
			.resent = UINT32_MAX},
		{.total = 0},
		{.resent = 1},
		{.bytes = 127, .ms = 128},
		{.total = 1ull << 63, .packets = 16383, .resent = 16384},
	};
	struct timeline t;

	(void)state;
	assert_true(timeline_init(&t, 0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event e = rows[i], got;

		e.name = "n";
		got = record_event(timeline_at(&t, timeline_append(&t, 3, &e)));
		assert_int_equal(got.total, e.total);
		assert_int_equal(got.bytes, e.bytes);
		assert_int_equal(got.packets, e.packets);
		assert_int_equal(got.ms, e.ms);
		assert_int_equal(got.resent, e.resent);
		assert_string_equal(got.name, "n");
		assert_null(got.text);
	}
	timeline_deinit(&t);
}

static void
test_an_ipv6_address(void **state)
{
	struct event e = {.kind = EV_ASKED, .total = 7, .text = "t"}, got;
	struct timeline t;

	(void)state;
	assert_true(netaddr_parse_host("2001:db8::1", &e.addr));
	assert_true(timeline_init(&t, 0));
	got = record_event(timeline_at(&t, timeline_append(&t, 3, &e)));
	assert_true(netaddr_same_host(&got.addr, &e.addr));
	assert_int_equal(got.total, 7);
	assert_null(got.name);
	assert_string_equal(got.text, "t");
	timeline_deinit(&t);
}

/* What 16 MiB are to last for: a boot begins, a ROM is asked for and sent. */
static void
test_records_are_short(void **state)
{
	struct event boot = {.kind = EV_BOOT, .arch = -1},
		     asked = {.kind = EV_ASKED, .name = "undionly.kpxe", .total = 300000},
		     sent = asked;
	struct timeline t;

	(void)state;
	sent.bytes = 300000;
	sent.packets = 205;
	sent.ms = 7394;
	boot.addr = asked.addr = sent.addr = netaddr_of_v4(be32_from(0x0a000001), 0);
	assert_true(timeline_init(&t, 0));
	timeline_append(&t, 3, &boot);
	assert_int_equal(t.used, 56);
	timeline_append(&t, 3, &asked);
	assert_int_equal(t.used, 56 + 72);
	timeline_append(&t, 3, &sent);
	assert_int_equal(t.used, 56 + 72 + 80);
	timeline_deinit(&t);
}

static void
test_a_long_string_is_cut(void **state)
{
	struct timeline t;
	char long_name[5000];
	struct event e = {.kind = EV_ASKED, .name = long_name, .text = long_name}, got;

	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_true(timeline_init(&t, 0));
	got = record_event(timeline_at(&t, timeline_append(&t, SLOT_NONE, &e)));
	assert_int_equal(strlen(got.name), RECORD_NAME_MAX);
	assert_int_equal(strlen(got.text), RECORD_TEXT_MAX);
	timeline_deinit(&t);
}

/* Every seq from `oldest` to `newest` is found, by walking and by looking up. */
static void
check_all(const struct timeline *t)
{
	uint64_t want = t->oldest;

	for (uint32_t at = timeline_after(t, 0); at != RECORD_NONE;
		at = timeline_next(t, at)) {
		assert_int_equal(timeline_at(t, at)->seq, want);
		assert_int_equal(timeline_after(t, want - 1), at);
		want++;
	}
	assert_int_equal(want, t->newest + 1);
	assert_int_equal(timeline_after(t, t->newest), RECORD_NONE);
}

static uint64_t evicted;

static void
count_evicted(void *arg, const struct record *rec, uint32_t at)
{
	(void)arg;
	(void)at;
	assert_int_equal(rec->seq, ++evicted);
}

static void
test_goes_round_many_times(void **state)
{
	struct timeline t;

	(void)state;
	evicted = 0;
	assert_true(timeline_init(&t, 65536));
	t.evicted = count_evicted;
	for (unsigned i = 0; i < 20000; i++) {
		append(&t, i, i * 7919 % 613);
		assert_true(t.used <= t.size);
		if (i % 997 == 0)
			check_all(&t);
	}
	check_all(&t);
	assert_int_equal(t.newest, 20000);
	assert_int_equal(evicted, t.oldest - 1);
	assert_true(t.newest - t.oldest > 100);
	timeline_deinit(&t);
}

static void
test_an_empty_one_has_nothing(void **state)
{
	struct timeline t;

	(void)state;
	assert_true(timeline_init(&t, 0));
	assert_int_equal(timeline_after(&t, 0), RECORD_NONE);
	assert_int_equal(timeline_after(&t, 99), RECORD_NONE);
	timeline_deinit(&t);
}

/* Against a model: an array of who is in. */
static void
test_index_keeps_what_is_put(void **state)
{
	struct index x;
	bool in[500] = {false};
	unsigned rand = 1;

	(void)state;
	assert_true(index_init(&x, 500));
	for (int i = 0; i < 50000; i++) {
		uint32_t slot = (rand = rand * 1103515245 + 12345) >> 8;
		uint32_t hash, found;
		size_t at;

		slot %= 500;
		hash = slot % 37 * 0x01000193u; /* many share one */
		if (!in[slot])
			assert_true(index_put(&x, hash, slot));
		else
			index_remove(&x, hash, slot);
		in[slot] = !in[slot];
		for (found = index_first(&x, hash, &at);
			found != SLOT_NONE && found != slot;)
			found = index_next(&x, hash, &at);
		assert_int_equal(found == slot, in[slot]);
	}
	for (uint32_t slot = 0; slot < 500; slot++) {
		size_t at;
		uint32_t found = index_first(&x, slot % 37 * 0x01000193u, &at);

		while (found != SLOT_NONE && found != slot)
			found = index_next(&x, slot % 37 * 0x01000193u, &at);
		assert_int_equal(found == slot, in[slot]);
	}
	index_deinit(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_was_appended),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_an_ipv6_address),
		cmocka_unit_test(test_records_are_short),
		cmocka_unit_test(test_a_long_string_is_cut),
		cmocka_unit_test(test_goes_round_many_times),
		cmocka_unit_test(test_an_empty_one_has_nothing),
		cmocka_unit_test(test_index_keeps_what_is_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
