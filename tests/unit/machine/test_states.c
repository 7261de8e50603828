/* More machines than there is room for: stories are forgotten, states are not. */
#include "clock.h"

#include "machine/states.h"

#define PLACES 16
#define MANY 100

/* By as many whose states are set: they may stay longest. */
static void
push_out(struct registry *r, unsigned one)
{
	static unsigned others = 1000;
	struct machine_view v;
	struct mac mac = mac_n(one);

	for (unsigned i = 0; i < MANY; i++) {
		struct mac other = mac_n(++others);

		assert_int_not_equal(
			registry_set_state(r, &other, STATE_LOCAL, "api"), 0);
	}
	assert_false(registry_machine(r, &mac, &v));
}

static void
test_once_used_up(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);

	(void)state;
	for (int round = 0; round < 3; round++)
		for (unsigned i = 1; i <= MANY; i++) {
			power_on(r, &c, i);
			assert_int_equal(ask_script(r, i, STATE_ONCE),
				round == 0 ? STATE_ONCE : STATE_LOCAL);
		}
	registry_free(r);
}

static void
test_set_by_somebody(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct machine_view v = {0};

	(void)state;
	for (unsigned i = 1; i <= MANY; i++) {
		struct mac mac = mac_n(i);

		assert_int_not_equal(registry_set_state(r, &mac, STATE_IGNORE, "api"), 0);
	}
	for (unsigned i = 1; i <= MANY; i++) {
		struct mac mac = mac_n(i);

		assert_int_equal(registry_state(r, &mac, STATE_BOOT), STATE_IGNORE);
	}
	assert_true(registry_kept(r, &(struct mac){{2, 0, 0, 0, 0, 1}}, &v));
	assert_int_equal(v.state, STATE_IGNORE);
	assert_string_equal(v.state_by, "api");
	/* There is room for others, and for another word on one of them. */
	power_on(r, &c, MANY + 1);
	assert_int_equal(view_of(r, MANY + 1).boot, 1);
	registry_set_state(r, &(struct mac){{2, 0, 0, 0, 0, 1}}, STATE_BOOT, "page");
	assert_int_equal(view_of(r, 1).state, STATE_BOOT);
	assert_string_equal(view_of(r, 1).state_by, "page");
	registry_free(r);
}

/* The menu or the script is asked for by a name, before anything else is heard. */
static void
test_asks_out_of_nowhere(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac mac = mac_n(1);

	(void)state;
	power_on(r, &c, 1);
	ask_script(r, 1, STATE_ONCE);
	push_out(r, 1);
	assert_int_equal(registry_state(r, &mac, STATE_ONCE), STATE_LOCAL);
	registry_asks(r, &mac, VIA_HTTP, "ipxe/x.ipxe");
	assert_int_equal(registry_state(r, &mac, STATE_ONCE), STATE_LOCAL);
	assert_string_equal(view_of(r, 1).state_by, "script");
	/* A script that says `boot` makes the next `once` count again. */
	assert_int_equal(ask_script(r, 1, STATE_BOOT), STATE_BOOT);
	push_out(r, 1);
	power_on(r, &c, 1);
	assert_int_equal(ask_script(r, 1, STATE_ONCE), STATE_ONCE);
	registry_free(r);
}

static void
test_installer_that_takes_long(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac mac = mac_n(1);
	char token[DONE_TOKEN_TEXT];

	(void)state;
	registry_set_state(r, &mac, STATE_ONCE, "api");
	power_on(r, &c, 1);
	assert_int_equal(ask_script(r, 1, STATE_BOOT), STATE_ONCE);
	assert_true(registry_done_token(r, &mac, token));
	push_out(r, 1);
	assert_true(registry_done(r, token, 32));
	assert_int_equal(view_of(r, 1).state, STATE_LOCAL);
	push_out(r, 1);
	assert_true(registry_done(r, token, 32)); /* installers try again */
	power_on(r, &c, 1);
	assert_int_equal(ask_script(r, 1, STATE_BOOT), STATE_LOCAL);
	assert_false(registry_done(r, token, 32));
	registry_free(r);
}

static struct sighting
with_uuid(unsigned mac)
{
	struct sighting who = seen_as(mac);
	const char *uuid = "a1b2c3d4-1111-2222-3333-444455556666";

	who.by_dhcp = true;
	who.has_uuid = uuid_parse(uuid, strlen(uuid), &who.uuid);
	return who;
}

/* One after the other, as the cards of one machine do. */
static void
ask_by_both_cards(struct registry *r, struct clock *c)
{
	tell(r, with_uuid(1), EV_DISCOVER, VIA_DHCP, NULL);
	c->ms += 10000;
	tell(r, with_uuid(2), EV_DISCOVER, VIA_DHCP, NULL);
}

/* Whether its second card was seen before its story was forgotten, or never. */
static void
test_another_card(void **state)
{
	for (int was_seen = 0; was_seen < 2; was_seen++) {
		struct clock c = {0};
		struct registry *r = registry_with(&c, PLACES, 0);

		(void)state;
		tell(r, with_uuid(1), EV_DISCOVER, VIA_DHCP, NULL);
		c.ms += 10000;
		if (was_seen)
			tell(r, with_uuid(2), EV_DISCOVER, VIA_DHCP, NULL);
		assert_int_equal(ask_script(r, 1, STATE_ONCE), STATE_ONCE);
		push_out(r, 1);
		if (!was_seen)
			tell(r, with_uuid(2), EV_DISCOVER, VIA_DHCP, NULL);
		power_on(r, &c, 2);
		assert_int_equal(ask_script(r, 2, STATE_ONCE), STATE_LOCAL);
		power_on(r, &c, 1);
		assert_int_equal(ask_script(r, 1, STATE_ONCE), STATE_LOCAL);
		assert_int_equal(view_of(r, 1).n_macs, 2);
		/* All of it comes back, whoever calls. */
		push_out(r, 1);
		registry_set_state(
			r, &(struct mac){{2, 0, 0, 0, 0, 2}}, STATE_LOCAL, "x");
		assert_int_equal(view_of(r, 1).n_macs, 2);
		assert_true(view_of(r, 1).has_uuid);
		assert_int_equal(view_of(r, 1).state, STATE_LOCAL);
		registry_free(r);
	}
}

/* Both were installed, as two machines; then one of them turns out to be the other. */
static void
test_cards_that_had_a_state_each(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);

	(void)state;
	power_on(r, &c, 1);
	ask_script(r, 1, STATE_ONCE);
	tell(r, with_uuid(2), EV_DISCOVER, VIA_DHCP, NULL);
	c.ms += 10000;
	tell(r, with_uuid(1), EV_DISCOVER, VIA_DHCP, NULL);
	assert_int_equal(view_of(r, 2).n_macs, 2);
	power_on(r, &c, 2);
	assert_int_equal(ask_script(r, 2, STATE_ONCE), STATE_LOCAL);
	/* A third at the same time: the UUID is everybody's, and they are two after all.
	 */
	tell(r, with_uuid(2), EV_DISCOVER, VIA_DHCP, NULL);
	tell(r, with_uuid(3), EV_DISCOVER, VIA_DHCP, NULL);
	for (unsigned i = 1; i <= 2; i++) {
		power_on(r, &c, i);
		assert_int_equal(view_of(r, i).n_macs, 1);
		assert_int_equal(ask_script(r, i, STATE_ONCE), STATE_LOCAL);
	}
	power_on(r, &c, 3);
	assert_int_equal(ask_script(r, 3, STATE_ONCE), STATE_ONCE);
	registry_free(r);
}

/* One machine, until a third card asks with its UUID at the same time. */
static void
test_set_while_they_were_one(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac first = mac_n(1), second = mac_n(2);

	(void)state;
	ask_by_both_cards(r, &c);
	registry_set_state(r, &second, STATE_LOCAL, "api");
	tell(r, with_uuid(3), EV_DISCOVER, VIA_DHCP, NULL);
	for (unsigned i = 1; i <= 2; i++) {
		power_on(r, &c, i);
		assert_int_equal(view_of(r, i).n_macs, 1);
		assert_int_equal(ask_script(r, i, STATE_ONCE), STATE_LOCAL);
	}
	power_on(r, &c, 3);
	assert_int_equal(ask_script(r, 3, STATE_ONCE), STATE_ONCE);
	/* What is said of one from now on is not said of the other. */
	registry_set_state(r, &first, STATE_IGNORE, "api");
	push_out(r, 1);
	assert_int_equal(registry_state(r, &first, STATE_ONCE), STATE_IGNORE);
	assert_int_equal(registry_state(r, &second, STATE_ONCE), STATE_LOCAL);
	registry_free(r);
}

/* The card whose state was set is the machine then; the UUID came with the other. */
static void
test_the_one_that_was_set_has_the_uuid(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac second = mac_n(2);
	struct machine_view v;

	(void)state;
	tell(r, with_uuid(1), EV_DISCOVER, VIA_DHCP, NULL);
	c.ms += 10000;
	registry_set_state(r, &second, STATE_ONCE, "api");
	tell(r, with_uuid(2), EV_DISCOVER, VIA_DHCP, NULL);
	v = view_of(r, 1);
	assert_int_equal(v.n_macs, 2);
	assert_true(mac_equal(&v.mac, &second));
	assert_true(v.has_uuid);
	registry_free(r);
}

/* After a start: the machine's cards in either order, and then what is on disk. */
static struct registry *
next_life(struct clock *c, unsigned main, const struct state_record *rows, size_t n)
{
	struct registry *r = registry_with(c, PLACES, 0);
	struct machine_view v = {.has_mac = true,
		.mac = mac_n(main),
		.macs = {mac_n(main), mac_n(3 - main)},
		.n_macs = 2,
		.arch = -1};

	registry_restore_machine(r, &v);
	for (size_t i = 0; i < n; i++)
		registry_restore(r, &rows[i]);
	registry_restore_names(r, &v);
	return r;
}

static void
test_rows_of_each_card(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac first = mac_n(1), second = mac_n(2);
	struct state_record rows[4];
	uint64_t generation;

	(void)state;
	ask_by_both_cards(r, &c);
	power_on(r, &c, 2);
	assert_int_equal(ask_script(r, 2, STATE_ONCE), STATE_ONCE);
	assert_true(registry_done_token(r, &second, (char[DONE_TOKEN_TEXT]){0}));
	assert_int_equal(registry_take_dirty(r, rows, 4, &generation), 2);
	assert_true(rows[0].once_used && rows[1].once_used);
	assert_true(*rows[0].token && !*rows[1].token);
	registry_free(r);
	for (unsigned i = 0; i < 4; i++) {
		struct state_record swapped[] = {rows[i / 2], rows[1 - i / 2]};

		r = next_life(&c, 1 + i % 2, swapped, 2);
		assert_int_equal(registry_take_dirty(r, swapped, 2, &generation), 0);
		push_out(r, 1);
		power_on(r, &c, 1);
		assert_int_equal(view_of(r, 2).n_macs, 2);
		assert_int_equal(ask_script(r, 2, STATE_ONCE), STATE_LOCAL);
		registry_set_state(r, &first, STATE_IGNORE, "api");
		assert_int_equal(registry_state(r, &second, STATE_ONCE), STATE_IGNORE);
		registry_free(r);
	}
}

/* The power went between two rows, or both were machines until just then. */
static void
test_rows_that_differ(void **state)
{
	static const struct {
		struct state_record rows[2];
		enum machine_state holds;
	} cases[] = {
		{{{.mac = {{2, 0, 0, 0, 0, 1}}, .once_used = true},
			 {.mac = {{2, 0, 0, 0, 0, 2}},
				 .state_set = true,
				 .state = STATE_IGNORE}},
			STATE_IGNORE},
		{{{.mac = {{2, 0, 0, 0, 0, 1}}, .done = true},
			 {.mac = {{2, 0, 0, 0, 0, 2}}, .once_used = true}},
			STATE_LOCAL},
		{{{.mac = {{2, 0, 0, 0, 0, 1}}},
			 {.mac = {{2, 0, 0, 0, 0, 2}}, .once_used = true}},
			STATE_LOCAL},
	};

	(void)state;
	for (unsigned i = 0; i < 4 * COUNT(cases); i++) {
		const struct state_record *rows = cases[i / 4].rows;
		struct state_record swapped[] = {rows[i / 2 % 2], rows[1 - i / 2 % 2]};
		struct state_record written[4];
		struct clock c = {0};
		struct registry *r = next_life(&c, 1 + i % 2, swapped, 2);
		uint64_t generation;

		/* One word, also for those who forget, and for the next start. */
		for (unsigned card = 1; card <= 2; card++) {
			push_out(r, card);
			power_on(r, &c, card);
			assert_int_equal(
				ask_script(r, card, STATE_ONCE), cases[i / 4].holds);
		}
		registry_take_dirty(r, written, 4, &generation);
		registry_free(r);
	}
}

static size_t
take_all(struct registry *r, const struct mac *mac, struct state_record *out)
{
	struct state_record some[8];
	uint64_t generation;
	size_t n, of = 0;

	while ((n = registry_take_dirty(r, some, 8, &generation)) > 0)
		for (size_t i = 0; i < n; i++)
			if (mac_equal(&some[i].mac, mac)) {
				*out = some[i];
				of++;
			}
	return of;
}

static void
test_forgotten_by_somebody(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct state_record record = {0};
	struct machine_view v = {0};
	struct mac mac = mac_n(1), second = mac_n(2);

	(void)state;
	ask_by_both_cards(r, &c);
	ask_script(r, 1, STATE_ONCE);
	push_out(r, 1);
	take_all(r, &mac, &record);
	assert_int_not_equal(registry_forget(r, &second), 0);
	assert_false(registry_kept(r, &mac, &v));
	assert_false(registry_kept(r, &second, &v));
	/* And is known anew, before the store heard of it. */
	assert_int_equal(ask_script(r, 1, STATE_ONCE), STATE_ONCE);
	assert_int_equal(take_all(r, &mac, &record), 1);
	assert_true(record.forgotten);
	assert_true(record.once_used);
	registry_free(r);
}

/* And could not be written; meanwhile it turned out to have another card. */
static void
test_forgotten_put_back(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac mac = mac_n(1), second = mac_n(2);
	struct state_record taken = {0};

	(void)state;
	registry_set_state(r, &mac, STATE_LOCAL, "api");
	assert_int_not_equal(registry_forget(r, &mac), 0);
	registry_set_state(r, &mac, STATE_ONCE, "api");
	assert_int_equal(take_all(r, &mac, &taken), 1);
	ask_by_both_cards(r, &c);
	registry_put_back(r, &taken, 1);
	push_out(r, 1);
	assert_int_equal(registry_state(r, &second, STATE_BOOT), STATE_ONCE);
	assert_int_equal(take_all(r, &mac, &taken), 1);
	assert_true(taken.forgotten && taken.state_set);
	assert_int_equal(take_all(r, &mac, &taken), 0);
	power_on(r, &c, 2);
	assert_int_equal(view_of(r, 2).n_macs, 2);
	assert_true(view_of(r, 2).has_uuid);
	registry_free(r);
}

/* A card's own row comes back, and it is a card all the same. */
static void
test_card_put_back(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac first = mac_n(1), second = mac_n(2);
	struct state_record rows[4];
	uint64_t generation;
	size_t n;

	(void)state;
	ask_by_both_cards(r, &c);
	registry_set_state(r, &first, STATE_LOCAL, "api");
	n = registry_take_dirty(r, rows, 4, &generation);
	assert_int_equal(n, 2);
	registry_put_back(r, rows, n);
	push_out(r, 1);
	registry_set_state(r, &first, STATE_IGNORE, "api");
	assert_int_equal(registry_state(r, &second, STATE_BOOT), STATE_IGNORE);
	push_out(r, 1);
	assert_int_equal(registry_state(r, &second, STATE_BOOT), STATE_IGNORE);
	registry_free(r);
}

/* Not taken by the store yet, and its machine is gone. */
static void
test_changes_outlive_their_machine(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct state_record record = {0};
	struct mac mac = mac_n(1);

	(void)state;
	ask_script(r, 1, STATE_ONCE);
	push_out(r, 1);
	assert_int_equal(take_all(r, &mac, &record), 1);
	assert_true(record.once_used);
	assert_int_equal(take_all(r, &mac, &record), 0);
	registry_all_dirty(r); /* the disk has lost it */
	assert_int_equal(take_all(r, &mac, &record), 1);
	assert_true(record.once_used);
	registry_free(r);
}

static void
test_restored_beyond_the_places(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct machine_view names = {.has_mac = true, .mac = mac_n(MANY), .n_macs = 2};

	(void)state;
	for (unsigned i = 1; i <= MANY; i++)
		registry_restore(
			r, &(struct state_record){
				   .mac = mac_n(i), .once_used = true, .once_boot = 3});
	names.macs[0] = mac_n(MANY);
	names.macs[1] = mac_n(MANY + 1);
	registry_restore_names(r, &names);
	for (unsigned i = 1; i <= MANY + 1; i++) {
		power_on(r, &c, i);
		assert_int_equal(ask_script(r, i, STATE_ONCE), STATE_LOCAL);
	}
	registry_free(r);
}

/* The database could not be read at start, and machines were told what a script says. */
static void
test_restored_late(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac mac = mac_n(1), other = mac_n(2);
	char token[DONE_TOKEN_TEXT];

	(void)state;
	registry_on_dirty(r, (void (*)(void *))free, NULL);
	power_on(r, &c, 1);
	assert_int_equal(ask_script(r, 1, STATE_BOOT), STATE_BOOT);
	assert_true(registry_done_token(r, &mac, token));
	registry_set_state(r, &other, STATE_IGNORE, "page");
	registry_restore(r, &(struct state_record){.mac = mac,
				    .state = STATE_LOCAL,
				    .state_set = true,
				    .by = "api"});
	registry_restore(r, &(struct state_record){.mac = other,
				    .state = STATE_LOCAL,
				    .state_set = true,
				    .by = "api"});
	assert_int_equal(registry_state(r, &mac, STATE_BOOT), STATE_LOCAL);
	assert_string_equal(view_of(r, 1).state_by, "api");
	assert_int_equal(registry_state(r, &other, STATE_BOOT), STATE_IGNORE);
	assert_true(registry_done(r, token, 32)); /* the boot goes on */
	registry_free(r);
}

/* Nor is it taken back that a machine was forgotten meanwhile, with all of its cards. */
static void
test_forgotten_before_it_was_read(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct machine_view found, v = {.has_mac = true,
					   .mac = mac_n(1),
					   .macs = {mac_n(1), mac_n(2)},
					   .n_macs = 2,
					   .arch = -1};
	struct state_record rows[4];
	uint64_t generation;

	(void)state;
	assert_int_not_equal(registry_forget(r, &v.mac), 0);
	registry_restore_machine(r, &v);
	for (unsigned i = 0; i < v.n_macs; i++)
		registry_restore(r, &(struct state_record){.mac = v.macs[i],
					    .state = STATE_LOCAL,
					    .state_set = true,
					    .by = "api"});
	registry_restore_names(r, &v);
	for (unsigned i = 0; i < v.n_macs; i++) {
		assert_false(registry_machine(r, &v.macs[i], &found));
		assert_int_equal(registry_state(r, &v.macs[i], STATE_ONCE), STATE_ONCE);
	}
	assert_int_equal(registry_take_dirty(r, rows, 4, &generation), 2);
	assert_true(rows[0].forgotten && rows[1].forgotten);
	registry_free(r);
}

/* So many strangers that its boot is not counted any more: it is not this one. */
static void
test_asks_amid_a_flood(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct mac mac = mac_n(1), first = mac_n(2);

	(void)state;
	power_on(r, &c, 1);
	ask_script(r, 1, STATE_ONCE);
	push_out(r, 1);
	for (unsigned i = 0; i < 200000; i++)
		tell(r, seen_as(5000 + i), EV_DISCOVER, VIA_DHCP, NULL);
	registry_asks(r, &mac, VIA_HTTP, "ipxe/x.ipxe");
	assert_int_equal(registry_state(r, &mac, STATE_ONCE), STATE_LOCAL);
	for (int i = 0; i < 2; i++) {
		registry_asks(r, &first, VIA_HTTP, "ipxe/x.ipxe");
		assert_int_equal(registry_state(r, &first, STATE_ONCE),
			i == 0 ? STATE_ONCE : STATE_LOCAL);
		registry_script_served(r, &first, STATE_ONCE);
	}
	registry_free(r);
}

static void
test_what_says_nothing_is_not_kept(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, PLACES, 0);
	struct state_record record = {0};
	char token[DONE_TOKEN_TEXT];
	struct mac mac = mac_n(1);

	(void)state;
	registry_on_dirty(r, (void (*)(void *))free, NULL);
	for (unsigned i = 1; i <= MANY; i++) {
		struct mac one = mac_n(i);

		ask_script(r, i, STATE_BOOT);
		assert_true(registry_done_token(r, &one, token));
	}
	assert_int_equal(registry_states(r), MANY); /* until they are on disk */
	assert_int_equal(take_all(r, &mac, &record), 1);
	assert_int_equal(registry_states(r), 0);
	registry_free(r);
}

/* Names that nobody has, by a default.ipxe that says `once`: what was there stays. */
static void
test_full(void **state)
{
	struct state_record used = {.once_used = true}, found;
	struct states s;

	(void)state;
	assert_true(states_init(&s, 7));
	for (unsigned i = 0; i < STATES_MAX; i++) {
		used.mac = mac_n(i);
		assert_true(states_put(&s, &used));
	}
	used.mac = mac_n(STATES_MAX);
	assert_false(states_put(&s, &used));
	assert_int_equal(s.refused, 1);
	assert_false(states_find(&s, &used.mac, &found));
	assert_true(states_find(&s, &(struct mac){{2}}, &found));
	assert_true(found.once_used);
	used.state_set = true; /* by somebody: there is room for that */
	assert_true(states_put(&s, &used));
	states_link(
		&s, &(struct mac){{4, 4, 4, 4, 4, 4}}, &used.mac); /* and for its cards */
	assert_true(states_find(&s, &(struct mac){{4, 4, 4, 4, 4, 4}}, &found));
	assert_true(found.state_set);
	assert_true(states_memory(&s) < 120u * STATES_MAX);
	states_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_used_up),
		cmocka_unit_test(test_set_by_somebody),
		cmocka_unit_test(test_asks_out_of_nowhere),
		cmocka_unit_test(test_installer_that_takes_long),
		cmocka_unit_test(test_another_card),
		cmocka_unit_test(test_cards_that_had_a_state_each),
		cmocka_unit_test(test_set_while_they_were_one),
		cmocka_unit_test(test_the_one_that_was_set_has_the_uuid),
		cmocka_unit_test(test_rows_of_each_card),
		cmocka_unit_test(test_rows_that_differ),
		cmocka_unit_test(test_forgotten_by_somebody),
		cmocka_unit_test(test_forgotten_put_back),
		cmocka_unit_test(test_card_put_back),
		cmocka_unit_test(test_changes_outlive_their_machine),
		cmocka_unit_test(test_restored_beyond_the_places),
		cmocka_unit_test(test_restored_late),
		cmocka_unit_test(test_forgotten_before_it_was_read),
		cmocka_unit_test(test_asks_amid_a_flood),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_what_says_nothing_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
