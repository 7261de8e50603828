/* boot, once, local, ignore; the token of a boot; what the store takes and gives back. */
#include "clock.h"

static void
test_words(void **state)
{
	enum machine_state s;

	(void)state;
	assert_true(machine_state_parse("once", 4, &s));
	assert_int_equal(s, STATE_ONCE);
	assert_false(machine_state_parse("onc", 3, &s));
	assert_false(machine_state_parse("Once", 4, &s));
	assert_string_equal(machine_state_text(STATE_IGNORE), "ignore");
}

static void
test_once(void **state)
{
	for (int by_script = 0; by_script < 2; by_script++) {
		enum machine_state in_script = by_script ? STATE_ONCE : STATE_BOOT;
		struct clock c = {0};
		struct registry *r = registry_with(&c, 0, 0);
		struct mac mac = mac_n(1);

		(void)state;
		if (!by_script)
			registry_set_state(r, &mac, STATE_ONCE, "api");
		power_on(r, &c, 1);
		assert_int_equal(ask_script(r, 1, in_script), STATE_ONCE);
		c.ms += 30000; /* an error; the menu tries again */
		assert_int_equal(ask_script(r, 1, in_script), STATE_ONCE);
		tell(r, seen_as(1), EV_SENT, VIA_HTTP, "extra/vmlinuz");
		power_on(r, &c, 1);
		assert_int_equal(ask_script(r, 1, in_script), STATE_LOCAL);
		power_on(r, &c, 1);
		assert_int_equal(ask_script(r, 1, in_script), STATE_LOCAL);
		/* Somebody wants it once more. */
		registry_set_state(r, &mac, STATE_ONCE, "page");
		assert_int_equal(ask_script(r, 1, in_script), STATE_ONCE);
		registry_free(r);
	}
}

static void
asks_for(struct registry *r, const char *name, bool by_menu)
{
	struct sighting who = seen_as(1);

	registry_tell(r, &who,
		&(struct event){.kind = EV_ASKED,
			.via = VIA_HTTP,
			.arch = -1,
			.name = name,
			.by_menu = by_menu});
}

/*
 * iPXE in the card, of which pixie hears nothing before it asks for its script: one that
 * was installed in no time is told from one that tries again after an error.
 */
static void
test_once_without_a_menu(void **state)
{
	static const struct {
		const char *first; /* what it asks for before its script */
		bool by_menu;
		enum event_kind became; /* of the last file */
		int seconds;            /* after that */
		enum machine_state want;
	} rows[] = {{NULL, false, EV_SENT, 15, STATE_LOCAL},
		{NULL, false, EV_SENT, 2, STATE_ONCE},
		{NULL, false, EV_MISSING, 15, STATE_ONCE},
		{NULL, false, EV_ASKED, 15, STATE_ONCE},
		{NULL, true, EV_SENT, 40, STATE_ONCE},
		{"chain.ipxe", false, EV_SENT, 40, STATE_ONCE},
		{"ipxe/menu.ipxe", false, EV_SENT, 40, STATE_ONCE},
		/* A restart would begin with that. */
		{"undionly.kpxe", false, EV_SENT, 15, STATE_ONCE},
		{NULL, true, EV_SENT, 70, STATE_LOCAL}};
	static const char script[] = "ipxe/02-00-00-00-00-01.ipxe";
	struct mac mac = mac_n(1);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct clock c = {0};
		struct registry *r = registry_with(&c, 0, 0);

		print_message("# row %zu\n", i);
		registry_set_state(r, &mac, STATE_ONCE, "cli");
		if (rows[i].first != NULL)
			asks_for(r, rows[i].first, false);
		c.ms += 1000;
		asks_for(r, script, rows[i].by_menu);
		assert_int_equal(registry_state(r, &mac, STATE_BOOT), STATE_ONCE);
		tell(r, seen_as(1), EV_SCRIPT, VIA_HTTP, "02-00-00-00-00-01.ipxe");
		registry_script_served(r, &mac, STATE_BOOT);
		tell(r, seen_as(1), EV_SENT, VIA_HTTP, "extra/vmlinuz");
		tell(r, seen_as(1), rows[i].became, VIA_HTTP, "extra/initrd.img");
		c.ms += rows[i].seconds * 1000;
		asks_for(r, script, rows[i].by_menu);
		assert_int_equal(registry_state(r, &mac, STATE_BOOT), rows[i].want);
		registry_free(r);
	}
}

static void
test_somebody_wins_over_the_script(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct mac mac = mac_n(1), other = mac_n(2);

	(void)state;
	registry_set_state(r, &mac, STATE_BOOT, "api");
	for (int i = 0; i < 3; i++) {
		power_on(r, &c, 1);
		assert_int_equal(ask_script(r, 1, STATE_ONCE), STATE_BOOT);
	}
	registry_set_state(r, &mac, STATE_IGNORE, "api");
	assert_int_equal(registry_state(r, &mac, STATE_LOCAL), STATE_IGNORE);
	assert_int_equal(registry_state(r, &other, STATE_LOCAL), STATE_LOCAL);
	registry_free(r);
}

static void
test_done(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct mac mac = mac_n(1), stranger = mac_n(2);
	char token[DONE_TOKEN_TEXT], again[DONE_TOKEN_TEXT], old[DONE_TOKEN_TEXT];

	(void)state;
	registry_set_state(r, &mac, STATE_ONCE, "api");
	power_on(r, &c, 1);
	ask_script(r, 1, STATE_BOOT);
	assert_false(registry_done_token(r, &stranger, token));
	assert_true(registry_done_token(r, &mac, token));
	assert_true(registry_done_token(r, &mac, again));
	assert_string_equal(token, again);
	assert_int_equal(strlen(token), 32);
	memcpy(old, token, sizeof(old));
	assert_false(registry_done(r, token, 31));
	token[0] = token[0] == '0' ? '1' : '0';
	assert_false(registry_done(r, token, 32));
	assert_true(registry_done(r, old, 32));
	assert_true(registry_done(r, old, 32)); /* installers try again */
	pass(r, &c, 2);
	assert_string_equal(view_of(r, 1).verdict, "done");
	assert_string_equal(view_of(r, 1).outcome, "done");
	assert_int_equal(view_of(r, 1).state, STATE_LOCAL);
	assert_string_equal(view_of(r, 1).state_by, "done");
	/* The next boot has another, and the old one is worth nothing. */
	power_on(r, &c, 1);
	assert_false(registry_done(r, old, 32));
	assert_true(registry_done_token(r, &mac, again));
	assert_string_not_equal(old, again);
	registry_free(r);
}

/* A script that says once, or a state, ends it; one that says nothing does not. */
static void
test_installed_again_and_again(void **state)
{
	static const struct {
		enum machine_state in_script;
		const char *code;
	} rows[] = {{STATE_BOOT, "reinstall-loop"}, {STATE_ONCE, "done"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct clock c = {0};
		struct registry *r = registry_with(&c, 0, 0);
		struct mac mac = mac_n(1);
		char token[DONE_TOKEN_TEXT];

		for (int n = 0; n < 3; n++) {
			power_on(r, &c, 1);
			ask_script(r, 1, rows[i].in_script);
			assert_true(registry_done_token(r, &mac, token));
			c.ms += 600000;
			assert_true(registry_done(r, token, 32));
			pass(r, &c, 2);
			assert_string_equal(
				view_of(r, 1).verdict, n < 2 ? "done" : rows[i].code);
		}
		registry_free(r);
	}
}

/*
 * Until its script is asked for by name, ROM and menu are those of an address; the boot
 * that it turns out to be in is a new one, whatever became of the last.
 */
static void
done_after_a_boot_without_a_name(int seconds)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting who = seen_as(1);
	char token[DONE_TOKEN_TEXT];

	power_on(r, &c, 1);
	ask_script(r, 1, STATE_BOOT);
	assert_true(registry_done_token(r, &who.mac, token));
	assert_true(registry_done(r, token, 32));
	pass(r, &c, seconds);
	registry_set_state(r, &who.mac, STATE_ONCE, "cli");
	tell(r, seen_at(9), EV_SENT, VIA_TFTP, "undionly.kpxe");
	c.ms += 5000;
	tell(r, seen_at(9), EV_SENT, VIA_HTTP, "chain.ipxe");
	c.ms += 10000;
	who.mac_in_name = true;
	who.addr = addr_n(9);
	tell(r, who, EV_ASKED, VIA_HTTP, "ipxe/x.ipxe");
	assert_int_equal(view_of(r, 1).boot, 2);
	assert_int_equal(ask_script(r, 1, STATE_BOOT), STATE_ONCE);
	assert_int_equal(ask_script(r, 1, STATE_BOOT), STATE_ONCE); /* after an error */
	assert_true(registry_done_token(r, &who.mac, token));
	assert_true(registry_done(r, token, 32));
	pass(r, &c, 2);
	assert_int_equal(view_of(r, 1).boot, 2);
	assert_string_equal(view_of(r, 1).verdict, "done");
	assert_int_equal(view_of(r, 1).state, STATE_LOCAL);
	assert_string_equal(view_of(r, 1).state_by, "done");
	registry_free(r);
}

static void
test_done_after_a_boot_without_a_name(void **state)
{
	(void)state;
	done_after_a_boot_without_a_name(700);
	done_after_a_boot_without_a_name(30); /* the boot before is not closed yet */
}

/* A card that was done with long ago turns out to be of a machine that is at it now. */
static void
test_done_of_another_card(void **state)
{
	static const char uuid[] = "4c4c4544-0042-3510-8052-b4c04f4d3732";
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting first = seen_as(1), second = seen_as(2);
	char token[DONE_TOKEN_TEXT];

	(void)state;
	first.has_uuid = uuid_parse(uuid, strlen(uuid), &first.uuid);
	second.has_uuid = uuid_parse(uuid, strlen(uuid), &second.uuid);
	power_on(r, &c, 2);
	ask_script(r, 2, STATE_ONCE);
	assert_true(registry_done_token(r, &second.mac, token));
	assert_true(registry_done(r, token, 32));
	pass(r, &c, 700);
	power_on(r, &c, 1);
	tell(r, first, EV_ASKED, VIA_HTTP, "ipxe/x.ipxe");
	ask_script(r, 1, STATE_BOOT);
	assert_true(registry_done_token(r, &first.mac, token));
	tell(r, second, EV_ASKED, VIA_HTTP, "extra/vmlinuz");
	assert_int_equal(view_of(r, 1).n_macs, 2);
	assert_true(registry_done(r, token, 32));
	pass(r, &c, 2);
	assert_string_equal(view_of(r, 1).verdict, "done");
	registry_free(r);
}

static int woken;

static void
wake(void *arg)
{
	struct machine_view v;
	struct mac mac = mac_n(1);

	woken++;
	registry_machine(arg, &mac, &v); /* no lock is held */
}

static void
test_dirty_records(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct state_record out[8];
	uint64_t generation, last;
	struct mac macs[] = {mac_n(1), mac_n(2), mac_n(3)};

	(void)state;
	woken = 0;
	registry_on_dirty(r, wake, r);
	registry_set_state(r, &macs[0], STATE_ONCE, "api");
	registry_set_state(r, &macs[1], STATE_LOCAL, "api");
	last = registry_set_state(r, &macs[2], STATE_IGNORE, "page");
	assert_int_equal(woken, 3);
	assert_int_equal(registry_take_dirty(r, out, 1, &generation), 1);
	assert_memory_equal(&out[0].mac, &macs[0], 6);
	assert_int_equal(generation, 0); /* there are more */
	assert_int_equal(registry_take_dirty(r, out, 8, &generation), 2);
	assert_int_equal(generation, last);
	assert_int_equal(out[1].state, STATE_IGNORE);
	assert_string_equal(out[1].by, "page");
	assert_int_equal(registry_take_dirty(r, out, 8, &generation), 0);
	/* The disk was full: it comes again, and nothing is safe before that. */
	registry_put_back(r, out, 2);
	assert_int_equal(registry_take_dirty(r, out, 1, &generation), 1);
	assert_int_equal(generation, 0);
	assert_int_equal(registry_take_dirty(r, out + 1, 2, &generation), 1);
	assert_int_equal(generation, last);
	registry_free(r);
}

/* A change after the take and before the put back: the later one is what is taken. */
static void
test_put_back_is_not_stale(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct state_record out[8];
	uint64_t generation;
	struct mac mac = mac_n(1);

	(void)state;
	registry_set_state(r, &mac, STATE_ONCE, "api");
	registry_take_dirty(r, out, 8, &generation);
	registry_set_state(r, &mac, STATE_LOCAL, "api");
	registry_put_back(r, out, 1);
	assert_int_equal(registry_take_dirty(r, out, 8, &generation), 1);
	assert_int_equal(out[0].state, STATE_LOCAL);
	registry_free(r);
}

static void
test_restored(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0), *next;
	struct state_record out[8];
	struct machine_view v;
	uint64_t generation;
	struct mac mac = mac_n(1);
	char token[DONE_TOKEN_TEXT];
	size_t n;

	(void)state;
	registry_set_state(r, &mac, STATE_ONCE, "api");
	power_on(r, &c, 1);
	power_on(r, &c, 1);
	assert_int_equal(ask_script(r, 1, STATE_BOOT), STATE_ONCE);
	assert_true(registry_done_token(r, &mac, token));
	n = registry_take_dirty(r, out, 8, &generation);
	v = view_of(r, 1);
	registry_free(r);

	next = registry_with(&c, 0, 0);
	for (size_t i = 0; i < n; i++)
		registry_restore(next, &out[i]);
	registry_restore_machine(next, &v);
	assert_int_equal(view_of(next, 1).boot, 2);
	assert_int_equal(registry_state(next, &mac, STATE_BOOT), STATE_ONCE);
	/* The installer that was under way reports. */
	assert_true(registry_done(next, token, 32));
	assert_int_equal(view_of(next, 1).state, STATE_LOCAL);
	power_on(next, &c, 1);
	assert_int_equal(view_of(next, 1).boot, 3);
	assert_int_equal(ask_script(next, 1, STATE_BOOT), STATE_LOCAL);
	registry_free(next);
}

static bool
is_last_at(struct registry *r, unsigned addr, unsigned mac)
{
	const struct netaddr at = addr_n(addr);
	const struct mac m = mac_n(mac);
	struct machine_view v;

	return registry_machine_last_at(r, &at, &v) && v.has_mac &&
	       memcmp(&v.mac, &m, sizeof(m)) == 0;
}

static bool
is_at(struct registry *r, unsigned addr)
{
	const struct netaddr at = addr_n(addr);
	struct machine_view v;

	return registry_machine_at(r, &at, &v);
}

/* Who asks for it by its address finds it; who speaks from that is not taken for it. */
static void
test_restored_address(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct machine_view was = {.has_mac = true, .n_macs = 1, .arch = 7};
	struct sighting who;

	(void)state;
	for (unsigned i = 1; i <= 3; i++) { /* 2 and 3 had the same; 3 the last */
		was.mac = was.macs[0] = mac_n(i);
		was.addr = addr_n(i == 1 ? 1 : 2);
		was.last_ms = 1000 + i;
		registry_restore_machine(r, &was);
	}
	assert_true(is_last_at(r, 1, 1));
	assert_true(is_last_at(r, 2, 3));
	assert_false(is_last_at(r, 3, 1));
	assert_false(is_at(r, 1));
	/* A stranger with that lease. */
	tell(r, seen_at(1), EV_SENT, VIA_TFTP, "undionly.kpxe");
	assert_true(is_at(r, 1));
	assert_false(is_last_at(r, 1, 1));
	assert_int_equal(view_of(r, 1).boot, 0);
	/* One of those who had it, and a new one. */
	who = seen_as(2);
	who.addr = addr_n(2);
	tell(r, who, EV_SENT, VIA_HTTP, "chain.ipxe");
	assert_true(is_last_at(r, 2, 2));
	who = seen_as(4);
	who.addr = addr_n(2);
	tell(r, who, EV_SENT, VIA_HTTP, "chain.ipxe");
	assert_true(is_last_at(r, 2, 4));
	/* It has moved. */
	who = seen_as(1);
	who.addr = addr_n(9);
	tell(r, who, EV_SENT, VIA_HTTP, "chain.ipxe");
	assert_true(is_last_at(r, 9, 1));
	/* What is read late is not newer than what was heard. */
	was.mac = was.macs[0] = mac_n(1);
	c.ms += 3600000;
	registry_tick(r);
	registry_restore_machine(r, &was);
	assert_true(is_last_at(r, 9, 1));
	registry_free(r);
}

/* Of two boots ago: the last one is not done because that was. */
static void
test_restored_done_is_of_its_boot(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct state_record record = {.mac = mac_n(1),
		.state = STATE_ONCE,
		.state_set = true,
		.boot = 2,
		.done = true};
	struct machine_view v = {.mac = record.mac, .has_mac = true, .boot = 3};
	char token[DONE_TOKEN_TEXT];

	(void)state;
	registry_restore_machine(r, &v);
	registry_restore(r, &record);
	assert_true(registry_done_token(r, &record.mac, token));
	assert_true(registry_done(r, token, 32));
	assert_int_equal(view_of(r, 1).state, STATE_LOCAL);
	assert_string_equal(view_of(r, 1).state_by, "done");
	registry_free(r);
}

static void
test_forgotten(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct state_record out[8];
	struct machine_view v;
	uint64_t generation;
	struct mac mac = mac_n(1);

	(void)state;
	registry_set_state(r, &mac, STATE_LOCAL, "api");
	power_on(r, &c, 1);
	assert_int_not_equal(registry_forget(r, &mac), 0);
	assert_false(registry_machine(r, &mac, &v));
	assert_int_equal(registry_take_dirty(r, out, 8, &generation), 1);
	assert_true(out[0].forgotten);
	power_on(r, &c, 1);
	assert_int_equal(view_of(r, 1).boot, 1);
	assert_int_equal(view_of(r, 1).state, STATE_BOOT);
	registry_free(r);
}

/* An admin who asks for a machine's state sees the one that holds. */
static void
test_the_script_s_word_is_shown(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0), *next;
	struct state_record out[4];
	uint64_t generation;
	struct mac mac = mac_n(1);

	(void)state;
	power_on(r, &c, 1);
	assert_string_equal(view_of(r, 1).state_by, "");
	assert_false(view_of(r, 1).once_used);
	ask_script(r, 1, STATE_ONCE);
	assert_true(view_of(r, 1).once_used);
	assert_int_equal(view_of(r, 1).state, STATE_ONCE);
	assert_string_equal(view_of(r, 1).state_by, "script");
	assert_int_equal(registry_take_dirty(r, out, 4, &generation), 1);
	next = registry_with(&c, 0, 0); /* a restart: its once is used up */
	registry_restore(next, &out[0]);
	assert_int_equal(view_of(next, 1).state, STATE_ONCE);
	assert_string_equal(view_of(next, 1).state_by, "script");
	assert_true(view_of(next, 1).once_used);
	registry_set_state(r, &mac, STATE_ONCE, "api"); /* armed again */
	assert_false(view_of(r, 1).once_used);
	ask_script(r, 1, STATE_BOOT);
	assert_true(view_of(r, 1).once_used);
	registry_set_state(r, &mac, STATE_BOOT, "api");
	assert_false(view_of(r, 1).once_used);
	assert_int_equal(view_of(r, 1).state, STATE_BOOT);
	assert_string_equal(view_of(r, 1).state_by, "api");
	registry_free(next);
	registry_free(r);
}

/* A MAC that nobody has may be a slip of the pen: it shows by never being seen. */
static void
test_set_before_it_was_seen(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct mac mac = mac_n(1);

	(void)state;
	registry_set_state(r, &mac, STATE_ONCE, "cli");
	assert_int_equal(view_of(r, 1).first_ms, 0);
	assert_int_equal(view_of(r, 1).last_ms, 0);
	power_on(r, &c, 1);
	assert_true(view_of(r, 1).first_ms > 0);
	assert_true(view_of(r, 1).last_ms >= view_of(r, 1).first_ms);
	registry_free(r);
}

/* Scripts that say once, for machines nobody has: not all places go to them. */
static void
test_a_flood_of_once(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 64, 0);
	struct machine_view v;

	(void)state;
	for (unsigned i = 1; i < 500; i++)
		ask_script(r, i, STATE_ONCE);
	power_on(r, &c, 1000);
	assert_true(registry_machine(r, &(struct mac){.b = {2, 0, 0, 0, 3, 0xe8}}, &v));
	registry_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_once_without_a_menu),
		cmocka_unit_test(test_somebody_wins_over_the_script),
		cmocka_unit_test(test_done),
		cmocka_unit_test(test_installed_again_and_again),
		cmocka_unit_test(test_done_after_a_boot_without_a_name),
		cmocka_unit_test(test_done_of_another_card),
		cmocka_unit_test(test_dirty_records),
		cmocka_unit_test(test_put_back_is_not_stale),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_restored_address),
		cmocka_unit_test(test_restored_done_is_of_its_boot),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_the_script_s_word_is_shown),
		cmocka_unit_test(test_set_before_it_was_seen),
		cmocka_unit_test(test_a_flood_of_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
