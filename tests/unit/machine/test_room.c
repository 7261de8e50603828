/* How many bytes machines take, and that they give them back. */
#include "clock.h"

#include "base/log.h"

#define MACHINES 5000

static size_t
each(struct registry *r, size_t before)
{
	size_t bytes = (registry_memory(r) - before) / MACHINES;

	print_message("%zu bytes a machine\n", bytes);
	return bytes;
}

/* A rack after a power cut: addresses, each amid the transfer of a ROM. */
static void
test_an_address_that_fetches_a_rom(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	size_t before = registry_memory(r), machines, transfers;
	struct progress **p = calloc(MACHINES, sizeof(*p));

	(void)state;
	for (unsigned i = 0; i < MACHINES; i++) {
		struct sighting who = seen_at(i + 1);

		p[i] = registry_transfer_begin(r, &who,
			&(struct event){.kind = EV_ASKED,
				.via = VIA_TFTP,
				.arch = -1,
				.name = "undionly.kpxe",
				.total = 300000});
	}
	registry_count(r, &machines, &transfers);
	assert_int_equal(machines, MACHINES);
	assert_int_equal(transfers, MACHINES);
	assert_true(each(r, before) <= 300);
	for (unsigned i = 0; i < MACHINES; i++)
		registry_transfer_end(r, p[i],
			&(struct event){
				.kind = EV_SENT, .via = VIA_TFTP, .bytes = 300000});
	assert_true(each(r, before) <= 210);
	free(p);
	registry_free(r);
}

static struct sighting
one_of_a_fleet(unsigned i, char serial[static 16])
{
	struct sighting who = seen_as(i + 1);

	snprintf(serial, 16, "CZ%010u", i);
	who.addr = addr_n(i + 1);
	who.mac_in_name = true;
	who.firmware = "iPXE 1.21.1+";
	who.vendor = "Hewlett Packard Enterprise";
	who.product = "ProLiant DL380 Gen10";
	who.serial = serial;
	return who;
}

/* All that can be known of it: what they have in common is there once. */
static void
test_a_fleet_that_booted(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	size_t before = registry_memory(r);
	char serial[16];

	(void)state;
	for (unsigned i = 0; i < MACHINES; i++) {
		struct sighting who = one_of_a_fleet(i, serial);

		tell(r, who, EV_SENT, VIA_TFTP, "snponly64.efi");
		tell(r, who, EV_SENT, VIA_HTTP, "chain.ipxe");
		tell(r, who, EV_SCRIPT, VIA_HTTP, "ipxe/default.ipxe");
		tell(r, who, EV_SENT, VIA_HTTP, "extra/vmlinuz");
	}
	pass(r, &c, 60);
	assert_string_equal(view_of(r, MACHINES).verdict, "booted");
	assert_string_equal(view_of(r, MACHINES).product, "ProLiant DL380 Gen10");
	assert_true(each(r, before) <= 500);
	registry_free(r);
}

/* Everything that a machine can have goes with it. */
static void
test_the_forgotten_take_nothing(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct mac mac = mac_n(1);
	char serial[16], token[DONE_TOKEN_TEXT];
	size_t before;

	(void)state;
	tell(r, one_of_a_fleet(1, serial), EV_ASKED, VIA_TFTP, "x");
	assert_true(registry_forget(r, &(struct mac){{2, 0, 0, 0, 0, 2}}) > 0);
	before = registry_memory(r);
	for (int boot = 0; boot < 3; boot++) {
		struct sighting who = one_of_a_fleet(0, serial);

		tell(r, who, EV_SENT, VIA_TFTP, "snponly64.efi");
		pass(r, &c, 700);
	}
	registry_set_state(r, &mac, STATE_ONCE, "api");
	assert_true(registry_done_token(r, &mac, token));
	assert_string_equal(view_of(r, 1).verdict, "loop");
	assert_true(registry_memory(r) > before);
	assert_true(registry_forget(r, &mac) > 0);
	assert_int_equal(registry_memory(r), before);
	registry_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address_that_fetches_a_rom),
		cmocka_unit_test(test_a_fleet_that_booted),
		cmocka_unit_test(test_the_forgotten_take_nothing),
	};

	log_init(LEVEL_ERROR); /* five thousand verdicts */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
