/* What is learned of a machine, and who is forgotten when there are too many. */
#include "unit.h"

#include "dhcp/memory.h"

static struct machine_key
key_of(unsigned n)
{
	struct mac mac = {{2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n}};

	return machine_key_mac(&mac);
}

static struct mono
at(double seconds)
{
	return (struct mono){1000000000 + (int64_t)(seconds * 1e6)};
}

/* A conversation: DISCOVERs and signs of life at times, and what they are answered. */
enum what { END, DISCOVER, MOVES_ON };
struct step {
	enum what what;
	double at;
	enum proxy_client client;
	unsigned attempt; /* DISCOVER: the one to be offered */
	bool news;        /* MOVES_ON */
};

static void
play(const struct step *s)
{
	struct memory *m = memory_new(16);
	struct machine_key key = key_of(1);

	for (; s->what != END; s++) {
		struct machine *machine = memory_find(m, &key);

		if (s->what == DISCOVER) {
			assert_int_equal(machine_attempt(machine, s->client, at(s->at)),
				s->attempt);
			machine = memory_meet(m, &key);
			machine_offered(machine, s->client, at(s->at));
		} else
			assert_int_equal(
				memory_moved_on(m, machine, at(s->at)) != NULL, s->news);
	}
	memory_free(m);
}

static void
who_moves_on_at_once_keeps_the_first(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0}, {MOVES_ON, 4, 0, 0, true},
		{DISCOVER, 100, PROXY_UEFI, 0}, {MOVES_ON, 104, 0, 0, false}, {END}});
}

/* EDK2's four DISCOVERs come at 0, 4, 12 and 28 s. */
static void
who_asks_again_is_tried_otherwise_and_remembered(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0}, {DISCOVER, 4, PROXY_UEFI, 0},
		{DISCOVER, 12, PROXY_UEFI, 1}, {MOVES_ON, 13, 0, 0, true},
		{DISCOVER, 300, PROXY_UEFI, 1}, {MOVES_ON, 301, 0, 0, false},
		{DISCOVER, 9000, PROXY_UEFI, 1}, {END}});
}

static void
attempts_come_round(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_BIOS, 0}, {DISCOVER, 4, PROXY_BIOS, 0},
		{DISCOVER, 12, PROXY_BIOS, 1}, {DISCOVER, 28, PROXY_BIOS, 1},
		{DISCOVER, 60, PROXY_BIOS, 2}, {DISCOVER, 64, PROXY_BIOS, 2},
		{DISCOVER, 72, PROXY_BIOS, 0}, {END}});
}

/* What worked is not given up as soon: the DHCP server may have been away. */
static void
what_worked_has_more_patience(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0}, {MOVES_ON, 1, 0, 0, true},
		{DISCOVER, 10, PROXY_UEFI, 0}, {DISCOVER, 14, PROXY_UEFI, 0},
		{DISCOVER, 22, PROXY_UEFI, 0}, {DISCOVER, 38, PROXY_UEFI, 0},
		{DISCOVER, 50, PROXY_UEFI, 0}, {DISCOVER, 54, PROXY_UEFI, 0},
		{DISCOVER, 62, PROXY_UEFI, 1}, {END}});
}

static void
one_discover_by_two_ways_counts_once(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0},
		{DISCOVER, 0.01, PROXY_UEFI, 0}, {DISCOVER, 0.02, PROXY_UEFI, 0},
		{DISCOVER, 4, PROXY_UEFI, 0}, {DISCOVER, 4.01, PROXY_UEFI, 0},
		{DISCOVER, 12, PROXY_UEFI, 1}, {END}});
}

/* A machine switched on each morning that nobody lets boot is not to be experimented on.
 */
static void
another_boot_is_not_another_try(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0}, {DISCOVER, 4, PROXY_UEFI, 0},
		{DISCOVER, 90000, PROXY_UEFI, 0}, {DISCOVER, 90004, PROXY_UEFI, 0},
		{DISCOVER, 90012, PROXY_UEFI, 1}, {END}});
}

/* iPXE, started by the firmware, asks with the same MAC. */
static void
ipxe_does_not_unlearn_the_firmware(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0}, {DISCOVER, 4, PROXY_UEFI, 0},
		{DISCOVER, 12, PROXY_UEFI, 1}, {MOVES_ON, 13, 0, 0, true},
		{DISCOVER, 15, PROXY_IPXE, 0}, {DISCOVER, 17, PROXY_IPXE, 0},
		{DISCOVER, 300, PROXY_UEFI, 1}, {END}});
}

/* The installed system may fetch from us by HTTP: that proves nothing. */
static void
what_comes_much_later_proves_nothing(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0}, {MOVES_ON, 100, 0, 0, false},
		{DISCOVER, 101, PROXY_UEFI, 0}, {DISCOVER, 105, PROXY_UEFI, 1}, {END}});
}

static void
another_firmware_starts_anew(void **state)
{
	play((struct step[]){{DISCOVER, 0, PROXY_UEFI, 0}, {DISCOVER, 4, PROXY_UEFI, 0},
		{DISCOVER, 12, PROXY_UEFI, 1}, {DISCOVER, 20, PROXY_BIOS, 0}, {END}});
}

/* A flood of invented MACs drives out strangers, never machines that have booted. */
static void
strangers_do_not_drive_out_regulars(void **state)
{
	struct memory *m = memory_new(64);
	struct machine_key regular = key_of(1), stranger;
	struct machine *machine = memory_meet(m, &regular);

	machine_offered(machine, PROXY_UEFI, at(0));
	assert_non_null(memory_moved_on(m, machine, at(1)));
	for (unsigned i = 0; i < 100000; i++) {
		stranger = key_of(1000 + i);
		machine_offered(memory_meet(m, &stranger), PROXY_UEFI, at(2));
		assert_non_null(memory_find(m, &stranger));
	}
	assert_non_null(memory_find(m, &regular));
	stranger = key_of(1000);
	assert_null(memory_find(m, &stranger));
	memory_free(m);
}

/* ... and however many regulars there are, there is room to become one. */
static void
regulars_leave_room(void **state)
{
	struct memory *m = memory_new(64);
	struct machine_key key;

	for (unsigned i = 0; i < 1000; i++) {
		struct machine *machine;

		key = key_of(i);
		machine = memory_meet(m, &key);
		machine_offered(machine, PROXY_UEFI, at(i));
		assert_non_null(memory_moved_on(m, machine, at(i + 1)));
	}
	key = key_of(999);
	assert_non_null(memory_find(m, &key));
	key = key_of(1);
	assert_null(memory_find(m, &key));
	memory_free(m);
}

/* As many as the registry lists: those who boot first are not unlearned by the rest. */
static void
a_fleet_is_remembered(void **state)
{
	struct memory *m = memory_new(MEMORY_SLOTS);
	struct machine_key key;

	for (unsigned i = 0; i < 2 * 16384; i++) {
		key = key_of(i % 16384);
		machine_offered(memory_meet(m, &key), PROXY_UEFI, at(i));
		assert_true((memory_moved_on(m, memory_find(m, &key), at(i + 1)) !=
				    NULL) == (i < 16384));
	}
	memory_free(m);
}

static void
a_machine_behind_a_router_is_known_by_address(void **state)
{
	struct memory *m = memory_new(16);
	struct machine_key key = key_of(1), other = key_of(2);
	struct machine *machine = memory_meet(m, &key);

	memory_set_addr(m, machine, be32_from(0x0a000005));
	assert_ptr_equal(memory_find_addr(m, be32_from(0x0a000005)), machine);
	assert_null(memory_find_addr(m, be32_from(0x0a000006)));
	assert_null(memory_find_addr(m, be32_from(0)));
	/* Its slot given to another machine, the address is nobody's. */
	for (unsigned i = 0; i < 16; i++) {
		other = key_of(100 + i);
		memory_meet(m, &other);
	}
	assert_null(memory_find_addr(m, be32_from(0x0a000005)));
	memory_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_moves_on_at_once_keeps_the_first),
		cmocka_unit_test(who_asks_again_is_tried_otherwise_and_remembered),
		cmocka_unit_test(attempts_come_round),
		cmocka_unit_test(what_worked_has_more_patience),
		cmocka_unit_test(one_discover_by_two_ways_counts_once),
		cmocka_unit_test(another_boot_is_not_another_try),
		cmocka_unit_test(ipxe_does_not_unlearn_the_firmware),
		cmocka_unit_test(what_comes_much_later_proves_nothing),
		cmocka_unit_test(another_firmware_starts_anew),
		cmocka_unit_test(strangers_do_not_drive_out_regulars),
		cmocka_unit_test(regulars_leave_room),
		cmocka_unit_test(a_fleet_is_remembered),
		cmocka_unit_test(a_machine_behind_a_router_is_known_by_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
