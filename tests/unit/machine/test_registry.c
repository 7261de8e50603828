/* Who is who, which boot an event belongs to, and what readers are told. */
#define _GNU_SOURCE
#include "clock.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

#define KERNEL "extra/vmlinuz"

static void
boot_bios(struct registry *r, struct clock *c, struct sighting who)
{
	tell(r, who, EV_SENT, VIA_TFTP, "undionly.kpxe");
	c->ms += 4000;
	tell(r, who, EV_SENT, VIA_HTTP, "chain.ipxe");
	c->ms += 11000;
	tell(r, who, EV_SCRIPT, VIA_HTTP, "ipxe/x.ipxe");
	tell(r, who, EV_SENT, VIA_HTTP, KERNEL);
	tell(r, who, EV_SENT, VIA_HTTP, "extra/initrd.img");
}

static size_t
count_machines(struct registry *r)
{
	size_t n;

	free(registry_machines(r, &n));
	return n;
}

static void
test_found_by_mac_and_address(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting dhcp = seen_as(1), router = seen_as(99);
	struct machine_view v;
	struct netaddr at = addr_n(7);

	(void)state;
	/* The DHCP's word for an address ... */
	dhcp.by_dhcp = true;
	dhcp.addr = at;
	dhcp.arch = 7;
	registry_tell(r, &dhcp,
		&(struct event){.kind = EV_DISCOVER, .arch = 7, .text = "PXEClient"});
	tell(r, seen_at(7), EV_ASKED, VIA_TFTP, "snponly64.efi");
	assert_int_equal(count_machines(r), 1);
	/* ... goes before what the neighbour table says of it, ... */
	router.addr = at;
	tell(r, router, EV_SENT, VIA_TFTP, "snponly64.efi");
	assert_int_equal(count_machines(r), 1);
	/* ... a MAC in a name before both. */
	router.mac_in_name = true;
	tell(r, router, EV_SENT, VIA_HTTP, "ipxe/x.ipxe");
	assert_int_equal(count_machines(r), 2);
	v = view_of(r, 1);
	assert_int_equal(v.arch, 7);
	assert_int_equal(v.boot, 1);
	assert_true(registry_machine_at(r, &at, &v));
	assert_memory_equal(&v.mac, &router.mac, sizeof(v.mac));
	registry_free(r);
}

static void
test_an_address_gets_its_mac(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting named = seen_as(5);
	struct machine_view v;
	struct event out[9];
	char buf[2000];
	uint64_t cursor = 0, lost;

	(void)state;
	/* Behind a router: the first we hear is an address. */
	tell(r, seen_at(3), EV_SENT, VIA_TFTP, "undionly.kpxe");
	assert_true(registry_machine_at(r, &(struct netaddr){.v4 = addr_n(3).v4}, &v));
	assert_false(v.has_mac);
	c.ms += 5000;
	named.mac_in_name = true;
	named.addr = addr_n(3);
	tell(r, named, EV_SENT, VIA_HTTP, "chain.ipxe");
	c.ms += 1000;
	tell(r, seen_at(3), EV_SENT, VIA_HTTP, KERNEL);
	assert_int_equal(count_machines(r), 1);
	assert_int_equal(view_of(r, 5).boot, 1);
	/* BOOT, ROM, menu, kernel: one story, all of that MAC and in order. */
	assert_int_equal(
		registry_events(r, &cursor, &named.mac, out, 9, buf, sizeof(buf), &lost),
		4);
	assert_int_equal(out[0].kind, EV_BOOT);
	assert_string_equal(out[1].name, "undionly.kpxe");
	assert_string_equal(out[3].name, KERNEL);
	for (int i = 0; i < 4; i++) {
		assert_memory_equal(&out[i].mac, &named.mac, sizeof(named.mac));
		assert_int_equal(out[i].boot, 1);
		assert_int_equal(out[i].seq, i + 1);
	}
	registry_free(r);
}

static void
test_many_behind_one_address(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct machine_view v;
	struct mac mac;

	(void)state;
	for (unsigned i = 1; i <= 50; i++) {
		struct sighting who = seen_as(i);

		who.mac_in_name = true;
		who.addr = addr_n(1);
		tell(r, who, EV_SENT, VIA_HTTP, "chain.ipxe");
	}
	assert_int_equal(count_machines(r), 50);
	/* Whose kernel is that? Nobody knows, and nobody is said. */
	tell(r, seen_at(1), EV_SENT, VIA_HTTP, KERNEL);
	assert_int_equal(count_machines(r), 51);
	for (unsigned i = 1; i <= 50; i++) {
		struct event out[9];
		char buf[2000];
		uint64_t cursor = 0, lost;

		mac = mac_n(i);
		assert_int_equal(registry_events(r, &cursor, &mac, out, 9, buf,
					 sizeof(buf), &lost),
			2);
	}
	assert_true(registry_machine_at(r, &(struct netaddr){.v4 = addr_n(1).v4}, &v));
	registry_free(r);
}

static struct sighting
with_uuid(unsigned mac, const char *uuid)
{
	struct sighting who = seen_as(mac);

	who.has_uuid = uuid_parse(uuid, strlen(uuid), &who.uuid);
	assert_true(who.has_uuid);
	return who;
}

static void
test_uuids(void **state)
{
	static const struct {
		const char *first, *second;
		size_t machines;
	} rows[] = {
		/* Two cards of one machine, ... */
		{"4c4c4544-0042-3510-8052-b4c04f4d3732",
			"4c4c4544-0042-3510-8052-b4c04f4d3732", 1},
		/* ... of which firmware writes the UUID the other way round. */
		{"4c4c4544-0042-3510-8052-b4c04f4d3732",
			"44454c4c-4200-1035-8052-b4c04f4d3732", 1},
		{"4c4c4544-0042-3510-8052-b4c04f4d3732",
			"4c4c4544-0042-3510-8052-b4c04f4d3733", 2},
		/* What makers leave in. */
		{"00000000-0000-0000-0000-000000000000",
			"00000000-0000-0000-0000-000000000000", 2},
		{"ffffffff-ffff-ffff-ffff-ffffffffffff",
			"ffffffff-ffff-ffff-ffff-ffffffffffff", 2},
		{"03000200-0400-0500-0006-000700080009",
			"03000200-0400-0500-0006-000700080009", 2},
		{"00020003-0004-0005-0006-000700080009",
			"00020003-0004-0005-0006-000700080009", 2},
		{"00112233-4455-6677-8899-aabbccddeeff",
			"00112233-4455-6677-8899-aabbccddeeff", 2},
		{"12345678-1234-5678-90ab-cddeefaabbcc",
			"12345678-1234-5678-90ab-cddeefaabbcc", 2},
		{"fefefefe-fefe-fefe-fefe-fefefefefefe",
			"fefefefe-fefe-fefe-fefe-fefefefefefe", 2},
		{"01234567-8910-1112-1314-151617181920",
			"01234567-8910-1112-1314-151617181920", 2},
		{"03020100-0504-0706-0809-0a0b0c0d0e0f",
			"03020100-0504-0706-0809-0a0b0c0d0e0f", 2},
		{"01020304-0506-0708-090a-0b0c0d0e0f10",
			"01020304-0506-0708-090a-0b0c0d0e0f10", 2},
		{"20202020-2020-2020-2020-202020202020",
			"20202020-2020-2020-2020-202020202020", 2},
		{"78563412-3412-7856-90ab-cddeefaabbcc",
			"12345678-1234-5678-90ab-cddeefaabbcc", 2},
		{"6ab5b300-538d-1014-9fb5-b0684d007b53",
			"6ab5b300-538d-1014-9fb5-b0684d007b53", 2},
		/* Supermicro's end in a card's own address. */
		{"00000000-0000-0000-0000-002590c7c000",
			"00000000-0000-0000-0000-002590c7c000", 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct clock c = {0};
		struct registry *r = registry_with(&c, 0, 0);

		tell(r, with_uuid(1, rows[i].first), EV_DISCOVER, VIA_DHCP, NULL);
		c.ms += 60000;
		tell(r, with_uuid(2, rows[i].second), EV_DISCOVER, VIA_DHCP, NULL);
		assert_int_equal(count_machines(r), rows[i].machines);
		assert_int_equal(view_of(r, 2).n_macs, rows[i].machines == 1 ? 2 : 1);
		registry_free(r);
	}
}

/* One UUID on a shelf full of the same board: they are not one machine. */
static void
test_a_uuid_of_many(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	const char *uuid = "a1b2c3d4-1111-2222-3333-444455556666";

	(void)state;
	for (unsigned i = 1; i <= 4; i++) {
		struct sighting who = with_uuid(i, uuid);

		who.by_dhcp = true;
		tell(r, who, EV_DISCOVER, VIA_DHCP, NULL);
		c.ms += 500; /* all switched on together */
	}
	assert_int_equal(count_machines(r), 4);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(view_of(r, i).n_macs, 1);
	registry_free(r);

	/* One after the other: more than any machine has cards. */
	r = registry_with(&c, 0, 0);
	for (unsigned i = 1; i <= 40; i++) {
		struct sighting who = with_uuid(i, uuid);

		who.by_dhcp = true;
		tell(r, who, EV_DISCOVER, VIA_DHCP, NULL);
		c.ms += 20000;
	}
	/* The first eight of them until the ninth; each is one as soon as it is heard. */
	for (unsigned i = 1; i <= 40; i++)
		tell(r, with_uuid(i, uuid), EV_DISCOVER, VIA_DHCP, NULL);
	assert_int_equal(count_machines(r), 40);
	registry_free(r);
}

/* Eight cards each would be more names than there are machines for. */
static void
test_cards_beyond_number(void **state)
{
	static const char *const uuids[] = {"a1b2c3d4-1111-2222-3333-444455556666",
		"a1b2c3d4-1111-2222-3333-444455557777"};
	struct clock c = {0};
	struct registry *r = registry_with(&c, 4, 0);
	unsigned card = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(uuids); i++)
		for (int n = 0; n < 8; n++) {
			tell(r, with_uuid(++card, uuids[i]), EV_DISCOVER, VIA_DHCP, NULL);
			c.ms += 20000;
		}
	assert_int_equal(count_machines(r), 2);
	assert_int_equal(view_of(r, 1).n_macs, 8);
	assert_int_equal(view_of(r, card).n_macs, 8);
	power_on(r, &c, ++card);
	assert_int_equal(ask_script(r, card, STATE_ONCE), STATE_ONCE);
	power_on(r, &c, card);
	assert_int_equal(ask_script(r, card, STATE_ONCE), STATE_LOCAL);
	assert_int_equal(count_machines(r), 3);
	registry_free(r);
}

struct told {
	int after_ms;
	enum event_kind kind;
	enum transport via;
	const char *name, *class;
	unsigned boot; /* that the event must be of */
};

#define PXE "PXEClient:Arch:00007:UNDI:003016"
#define IPXE "PXEClient:Arch:00007:UNDI:003010 iPXE"

static void
check_boots(const struct told *rows)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting who = seen_as(1);
	struct event out[64];
	char buf[9000];
	uint64_t cursor = 0, lost;
	size_t n, seen = 0;

	for (const struct told *t = rows; t->kind != EV_SERVER; t++) {
		for (int ms = t->after_ms; ms > 0; ms -= 1000)
			pass(r, &c, 1);
		registry_tell(r, &who,
			&(struct event){.kind = t->kind,
				.via = t->via,
				.name = t->name,
				.text = t->class,
				.arch = -1});
	}
	n = registry_events(r, &cursor, &who.mac, out, 64, buf, sizeof(buf), &lost);
	for (size_t i = 0; i < n; i++) {
		if (out[i].kind == EV_BOOT || out[i].kind == EV_VERDICT)
			continue;
		if (out[i].boot != rows[seen].boot)
			fail_msg("%s %s is of boot %u, not %u",
				event_kind_text(out[i].kind),
				out[i].name ? out[i].name : "", out[i].boot,
				rows[seen].boot);
		seen++;
	}
	assert_int_equal(rows[seen].kind, EV_SERVER);
	registry_free(r);
}

#define END                                                                              \
	{                                                                                \
		0, EV_SERVER, VIA_NONE, NULL, NULL, 0                                    \
	}

static void
test_boots_bios(void **state)
{
	static const struct told rows[] = {{0, EV_DISCOVER, VIA_DHCP, NULL, PXE, 1},
		{0, EV_OFFER, VIA_DHCP, "undionly.kpxe", "offer", 1},
		{4000, EV_DISCOVER, VIA_DHCP, NULL, PXE, 1}, /* the first one was lost */
		{0, EV_OFFER, VIA_DHCP, "undionly.kpxe", "offer", 1},
		{2000, EV_PROBED, VIA_TFTP, "undionly.kpxe", NULL, 1},
		{0, EV_SENT, VIA_TFTP, "undionly.kpxe", NULL, 1},
		{6000, EV_DISCOVER, VIA_DHCP, NULL, IPXE, 1}, /* iPXE's own */
		{0, EV_OFFER, VIA_DHCP, "chain.ipxe", "offer", 1},
		{3000, EV_SENT, VIA_HTTP, "chain.ipxe", NULL, 1},
		{12000, EV_SCRIPT, VIA_HTTP, "ipxe/x.ipxe", NULL, 1},
		{0, EV_DISCOVER, VIA_DHCP, NULL, IPXE, 1}, /* a script that says dhcp */
		{1000, EV_SENT, VIA_HTTP, KERNEL, NULL, 1},
		{1000, EV_SENT, VIA_HTTP, "extra/initrd.img", NULL, 1},
		{300000, EV_SENT, VIA_HTTP, "extra/packages.squashfs", NULL, 1},
		{40000, EV_DISCOVER, VIA_DHCP, NULL, PXE, 2}, /* it was restarted */
		{1000, EV_SENT, VIA_TFTP, "undionly.kpxe", NULL, 2},
		{1000, EV_DISCOVER, VIA_DHCP, NULL, PXE, 3}, /* and at once again */
		END};

	(void)state;
	check_boots(rows);
}

static void
test_boots_uefi(void **state)
{
	static const struct told rows[] = {{0, EV_DISCOVER, VIA_DHCP, NULL, PXE, 1},
		{4000, EV_ACK, VIA_DHCP, "snponly64.efi", NULL, 1},
		{0, EV_PROBED, VIA_TFTP, "snponly64.efi", NULL,
			1}, /* tsize, then ERROR 8 */
		{0, EV_ASKED, VIA_TFTP, "snponly64.efi", NULL, 1},
		{1000, EV_SENT, VIA_TFTP, "snponly64.efi", NULL, 1},
		{1000, EV_SENT, VIA_TFTP, "autoexec.ipxe", NULL, 1},
		{9000, EV_SENT, VIA_HTTP, "chain.ipxe", NULL, 1},
		{10000, EV_MISSING, VIA_HTTP, "ipxe/x.ipxe", NULL, 1},
		{30000, EV_MISSING, VIA_HTTP, "ipxe/x.ipxe", NULL,
			1}, /* the menu tries again */
		{30000, EV_SCRIPT, VIA_HTTP, "ipxe/x.ipxe", NULL, 1},
		{1000, EV_SENT, VIA_HTTP, KERNEL, NULL, 1},
		/* Power off, on: no DHCP is heard, the ROM comes first. */
		{25000, EV_PROBED, VIA_TFTP, "snponly64.efi", NULL, 2},
		{0, EV_SENT, VIA_TFTP, "snponly64.efi", NULL, 2},
		/* It does not run. Firmware tries its other ways, and again. */
		{15000, EV_DISCOVER, VIA_DHCP, NULL, "HTTPClient:Arch:00016", 3},
		{60000, EV_DISCOVER, VIA_DHCP, NULL, PXE, 3},
		{200000, EV_DISCOVER, VIA_DHCP, NULL, PXE, 4}, END};

	(void)state;
	check_boots(rows);
}

static void
test_boots_without_dhcp(void **state)
{
	static const struct told rows[] = {
		{0, EV_SENT, VIA_TFTP, "undionly.kpxe", NULL, 1},
		{20000, EV_SENT, VIA_TFTP, "undionly.kpxe", NULL,
			2}, /* a loop of restarts */
		{20000, EV_SENT, VIA_TFTP, "undionly.kpxe", NULL, 3},
		{5000, EV_SENT, VIA_HTTP, "chain.ipxe", NULL, 3},
		{15000, EV_SENT, VIA_TFTP, "ipxe64.efi", NULL,
			3}, /* a menu that chains another */
		{2000, EV_SENT, VIA_HTTP, "chain.ipxe", NULL, 3},
		{10000, EV_SCRIPT, VIA_HTTP, "ipxe/x.ipxe", NULL, 3},
		{0, EV_SENT, VIA_HTTP, KERNEL, NULL, 3},
		/* iPXE in the card's own ROM: the menu is the first we see of the next.
		 */
		{30000, EV_SENT, VIA_HTTP, "chain.ipxe", NULL, 4},
		{10000, EV_SCRIPT, VIA_HTTP, "ipxe/x.ipxe", NULL, 4},
		{0, EV_SENT, VIA_HTTP, KERNEL, NULL, 4},
		{700000, EV_SCRIPT, VIA_HTTP, "ipxe/x.ipxe", NULL,
			5}, /* iPXE on a stick */
		/* The installed system takes files; that is no boot. */
		{700000, EV_SENT, VIA_HTTP, "extra/update.deb", NULL, 0}, END};

	(void)state;
	check_boots(rows);
}

static void
test_boots_of_a_pi(void **state)
{
	static const struct told rows[] = {
		{0, EV_DISCOVER, VIA_DHCP, NULL, "PXEClient:Arch:00000:UNDI:002001", 1},
		{1000, EV_MISSING, VIA_TFTP, "8a1b2c3d/start4.elf", NULL, 1},
		{0, EV_SENT, VIA_TFTP, "start4.elf", NULL, 1},
		{1000, EV_SENT, VIA_TFTP, "kernel8.img", NULL, 1},
		{60000, EV_DISCOVER, VIA_DHCP, NULL, "PXEClient:Arch:00000:UNDI:002001",
			2},
		END};

	(void)state;
	check_boots(rows);
}

static void
test_strangers_make_room(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 64, 0);
	struct mac set = mac_n(2);
	struct progress *p;
	struct sighting third = seen_as(3);

	(void)state;
	boot_bios(r, &c, seen_as(1));
	registry_set_state(r, &set, STATE_LOCAL, "api");
	p = registry_transfer_begin(r, &third,
		&(struct event){
			.kind = EV_ASKED, .via = VIA_TFTP, .name = "undionly.kpxe"});
	for (unsigned i = 100; i < 5000; i++)
		tell(r, seen_as(i), EV_DISCOVER, VIA_DHCP, NULL);
	assert_int_equal(count_machines(r), 64);
	assert_int_equal(view_of(r, 1).boot, 1);
	assert_int_equal(view_of(r, 2).state, STATE_LOCAL);
	view_of(r, 3);
	registry_transfer_end(
		r, p, &(struct event){.kind = EV_FAILED, .via = VIA_TFTP, .text = "x"});
	registry_free(r);
}

/* All places taken by machines amid a transfer: no room, but for states. */
static void
test_no_room(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 16, 0);
	struct event asked = {.kind = EV_ASKED, .name = "a"};
	struct sighting late = seen_as(50);
	struct progress *p, *all[16];
	struct mac set = mac_n(17), used = mac_n(18);

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct sighting who = seen_as(i + 1);

		all[i] = registry_transfer_begin(r, &who, &asked);
	}
	assert_int_not_equal(registry_set_state(r, &set, STATE_LOCAL, "api"), 0);
	assert_int_equal(registry_state(r, &set, STATE_BOOT), STATE_LOCAL);
	assert_int_equal(registry_state(r, &used, STATE_ONCE), STATE_ONCE);
	registry_script_served(r, &used, STATE_ONCE);
	assert_int_equal(registry_state(r, &used, STATE_ONCE), STATE_LOCAL);
	p = registry_transfer_begin(r, &late, &asked);
	assert_non_null(p);
	progress_set(p, 5);
	registry_tick(r);
	registry_transfer_end(r, p, &(struct event){.kind = EV_SENT, .bytes = 5});
	assert_int_equal(registry_dropped(r), 1);
	assert_int_equal(count_machines(r), 16);
	for (unsigned i = 0; i < 16; i++)
		registry_transfer_end(r, all[i], &(struct event){.kind = EV_FAILED});
	registry_free(r);
}

/* A flood of invented MACs does not turn the ring over within its first minutes. */
static void
test_flood_leaves_the_ring(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 1024, 64 << 20);
	struct event out[16];
	char buf[4000];
	uint64_t cursor = 0, lost;
	struct mac mac = mac_n(1);

	(void)state;
	boot_bios(r, &c, seen_as(1));
	for (unsigned i = 0; i < 300000; i++) {
		struct sighting who = seen_as(1000 + i);

		who.mac.b[0] = 6;
		if (i % 5000 == 0)
			pass(r, &c, 1);
		tell(r, who, EV_DISCOVER, VIA_DHCP, NULL);
	}
	assert_true(registry_dropped(r) > 100000);
	assert_int_equal(
		registry_events(r, &cursor, &mac, out, 16, buf, sizeof(buf), &lost), 7);
	assert_int_equal(lost, 0);
	registry_free(r);
}

static void
test_transfers(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting who = seen_as(1);
	struct transfer_view *t;
	struct event out[9];
	char buf[900];
	uint64_t cursor = 0, lost;
	size_t n;
	int64_t seen;
	struct progress *p = registry_transfer_begin(r, &who,
		&(struct event){.kind = EV_ASKED,
			.via = VIA_TFTP,
			.arch = -1,
			.name = "big",
			.total = 1000000});

	(void)state;
	for (int s = 1; s <= 5; s++) {
		progress_set(p, (uint64_t)s * 100000);
		pass(r, &c, 1);
	}
	t = registry_transfers(r, &who.mac, &n);
	assert_int_equal(n, 1);
	assert_int_equal(t->bytes, 500000);
	assert_int_equal(t->total, 1000000);
	assert_int_equal(t->rate, 100000);
	assert_string_equal(t->name, "big");
	free(t);
	seen = clock_wall(&c); /* each block it takes is a sign of life */
	assert_int_equal(view_of(r, 1).last_ms, seen);
	pass(r, &c, 16);
	assert_int_equal(view_of(r, 1).last_ms, seen);
	registry_transfer_end(r, p,
		&(struct event){.kind = EV_FAILED,
			.via = VIA_TFTP,
			.arch = -1,
			.bytes = 500000,
			.total = 1000000,
			.text = "timeout"});
	free(registry_transfers(r, NULL, &n));
	assert_int_equal(n, 0);
	n = registry_events(r, &cursor, &who.mac, out, 9, buf, sizeof(buf), &lost);
	assert_int_equal(out[n - 1].kind, EV_FAILED);
	assert_string_equal(out[n - 1].name, "big");
	assert_int_equal(out[n - 1].ms, 21000);
	/* It stood still; the verdict said so. */
	assert_string_equal(view_of(r, 1).verdict, "stalled");
	registry_free(r);
}

/* A transfer that a restart cut off ends in the boot it was of. */
static void
test_end_of_an_old_boot(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting who = seen_as(1);
	struct event out[9];
	char buf[900];
	uint64_t cursor = 0, lost;
	size_t n;
	struct progress *p = registry_transfer_begin(r, &who,
		&(struct event){.kind = EV_ASKED,
			.via = VIA_TFTP,
			.arch = -1,
			.name = "undionly.kpxe"});

	(void)state;
	c.ms += 30000;
	tell(r, who, EV_DISCOVER, VIA_DHCP, NULL);
	registry_transfer_end(
		r, p, &(struct event){.kind = EV_FAILED, .via = VIA_TFTP, .arch = -1});
	n = registry_events(r, &cursor, &who.mac, out, 9, buf, sizeof(buf), &lost);
	assert_int_equal(out[n - 1].kind, EV_FAILED);
	assert_int_equal(out[n - 1].boot, 1);
	assert_int_equal(view_of(r, 1).boot, 2);
	registry_free(r);
}

/* A disk over HTTP: thousands of pieces, a few events, no byte lost. */
static void
test_pieces_are_counted(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting who = seen_as(1);
	static struct event out[1000];
	static char buf[100000];
	uint64_t cursor = 0, lost, bytes = 0;
	size_t n;

	(void)state;
	tell(r, who, EV_SENT, VIA_HTTP, "chain.ipxe");
	for (int i = 0; i < 10000; i++) {
		registry_tell(r, &who,
			&(struct event){.kind = EV_SENT,
				.via = VIA_HTTP,
				.arch = -1,
				.name = "disk.iso",
				.bytes = 4096});
		c.ms += 2;
		if (i % 500 == 0)
			registry_tick(r);
	}
	tell(r, who, EV_SENT, VIA_HTTP, "other");
	n = registry_events(r, &cursor, &who.mac, out, 1000, buf, sizeof(buf), &lost);
	for (size_t i = 0; i < n; i++)
		bytes += out[i].bytes;
	assert_int_equal(bytes, 10000 * 4096);
	assert_true(n < 60);
	registry_free(r);
}

static void
test_a_slow_reader_is_told(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 65536);
	struct event out[10];
	char buf[4000];
	uint64_t cursor = 0, mine = 0, lost;
	struct mac mac = mac_n(1);
	size_t n;

	(void)state;
	for (int i = 0; i < 5; i++)
		tell(r, seen_as(1), EV_SENT, VIA_TFTP, "one");
	assert_int_equal(
		registry_events(r, &cursor, NULL, out, 10, buf, sizeof(buf), &lost), 6);
	assert_int_equal(lost, 0);
	assert_int_equal(cursor, 6);
	for (int i = 0; i < 4000; i++)
		tell(r, seen_as(2), EV_SENT, VIA_TFTP, "two");
	n = registry_events(r, &cursor, NULL, out, 10, buf, sizeof(buf), &lost);
	assert_int_equal(n, 10);
	assert_true(lost > 2000);
	assert_int_equal(out[0].seq, 6 + lost + 1);
	assert_int_equal(cursor, out[9].seq);
	/* Of the one machine: all it had. */
	assert_int_equal(
		registry_events(r, &mine, &mac, out, 10, buf, sizeof(buf), &lost), 0);
	assert_int_equal(lost, 6);
	/* Then nothing is lost any more, and the rest comes. */
	while ((n = registry_events(r, &cursor, NULL, out, 10, buf, sizeof(buf), &lost)) >
		0)
		assert_int_equal(lost, 0);
	assert_int_equal(cursor, registry_newest(r));
	registry_free(r);
}

/* Buffers too small for one more: whole events only. */
static void
test_small_buffers(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct event out[10];
	char buf[20];
	uint64_t cursor = 0, lost;

	(void)state;
	tell(r, seen_as(1), EV_SENT, VIA_TFTP, "twelve chars");
	tell(r, seen_as(1), EV_SENT, VIA_TFTP, "twelve again");
	assert_int_equal(
		registry_events(r, &cursor, NULL, out, 10, buf, sizeof(buf), &lost), 2);
	assert_string_equal(out[1].name, "twelve chars");
	assert_int_equal(
		registry_events(r, &cursor, NULL, out, 10, buf, sizeof(buf), &lost), 1);
	assert_string_equal(out[0].name, "twelve again");
	assert_int_equal(
		registry_events(r, &cursor, NULL, out, 0, buf, sizeof(buf), &lost), 0);
	registry_free(r);
}

/* By the bridge and by its port: one DISCOVER. */
static void
test_heard_twice(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct event out[9];
	char buf[2000];
	uint64_t cursor = 0, lost;

	(void)state;
	for (int i = 0; i < 2; i++) {
		tell(r, seen_as(1), EV_DISCOVER, VIA_DHCP, NULL);
		c.ms += 1;
		tell(r, seen_as(1), EV_DISCOVER, VIA_DHCP, NULL);
		c.ms += 4000;
	}
	assert_int_equal(
		registry_events(r, &cursor, NULL, out, 9, buf, sizeof(buf), &lost), 3);
	assert_int_equal(out[2].wall_ms - out[1].wall_ms, 4001);
	/* iPXE's own, at once after firmware's, is another. */
	tell(r, seen_as(1), EV_DISCOVER, VIA_DHCP, NULL);
	registry_tell(r, &(struct sighting){.mac = mac_n(1), .has_mac = true, .arch = -1},
		&(struct event){.kind = EV_DISCOVER,
			.via = VIA_DHCP,
			.arch = -1,
			.text = "PXEClient iPXE"});
	assert_int_equal(
		registry_events(r, &cursor, NULL, out, 9, buf, sizeof(buf), &lost), 2);
	registry_free(r);
}

static void
test_null_is_fine(void **state)
{
	struct sighting who = seen_as(1);
	struct mac mac = mac_n(1);
	struct machine_view v;
	char token[DONE_TOKEN_TEXT];
	size_t n;

	(void)state;
	registry_tell(NULL, &who, &(struct event){.kind = EV_ASKED});
	assert_null(
		registry_transfer_begin(NULL, &who, &(struct event){.kind = EV_ASKED}));
	progress_set(NULL, 5);
	registry_transfer_end(NULL, NULL, &(struct event){.kind = EV_SENT});
	registry_tick(NULL);
	assert_int_equal(registry_state(NULL, &mac, STATE_ONCE), STATE_ONCE);
	registry_script_served(NULL, &mac, STATE_ONCE);
	assert_false(registry_done_token(NULL, &mac, token));
	assert_false(registry_done(NULL, "x", 1));
	assert_false(registry_machine(NULL, &mac, &v));
	assert_null(registry_machines(NULL, &n));
	assert_int_equal(registry_newest(NULL), 0);
	registry_free(NULL);
}

/* How often `what` stands in the log of `seconds`, end of the registry included. */
static unsigned
log_of(struct registry *r, struct clock *c, int seconds, const char *what, long *number)
{
	int file = memfd_create("log", 0), err = dup(STDERR_FILENO);
	char line[4096];
	unsigned n = 0;
	FILE *f;

	dup2(file, STDERR_FILENO);
	pass(r, c, seconds);
	registry_free(r);
	dup2(err, STDERR_FILENO);
	close(err);
	f = fdopen(file, "r");
	rewind(f);
	*number = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *left = strstr(line, "lines-left-out=");

		n += strstr(line, what) != NULL;
		*number += left ? atol(left + strlen("lines-left-out=")) : 0;
	}
	fclose(f);
	return n;
}

/* Strangers' DISCOVERs are boots that fail; the log is not theirs to fill. */
static void
test_flood_leaves_the_log(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 4096, 1 << 20);
	unsigned written;
	long left_out;

	log_init(LEVEL_INFO);
	for (unsigned i = 0; i < 3000; i++) {
		tell(r, seen_as(1000 + i), EV_DISCOVER, VIA_DHCP, NULL);
		tell(r, seen_as(1000 + i), EV_OFFER, VIA_DHCP, "undionly.kpxe");
	}
	written = log_of(r, &c, 120, " verdict code=", &left_out);
	assert_in_range(written, 400, 2500);
	assert_true(left_out > 0);
	assert_int_equal(written + left_out, 3000);
}

/* iPXE without a card says 00-…; names of files and queries may hold anything. */
static void
test_addresses_that_no_card_has(void **state)
{
	static const struct mac nobody[] = {{.b = {0}},
		{.b = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{.b = {1, 0, 0x5e, 0, 0, 1}}};
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct machine_view v;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sighting who = SIGHTING_NONE;

		who.mac = nobody[i];
		who.has_mac = who.mac_in_name = true;
		tell(r, who, EV_ASKED, VIA_HTTP, "chain.ipxe");
		registry_asks(r, &nobody[i], VIA_HTTP, "chain.ipxe");
		assert_int_equal(
			registry_set_state(r, &nobody[i], STATE_LOCAL, "api"), 0);
		assert_false(registry_machine(r, &nobody[i], &v));
	}
	registry_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_that_no_card_has),
		cmocka_unit_test(test_found_by_mac_and_address),
		cmocka_unit_test(test_an_address_gets_its_mac),
		cmocka_unit_test(test_many_behind_one_address),
		cmocka_unit_test(test_uuids),
		cmocka_unit_test(test_a_uuid_of_many),
		cmocka_unit_test(test_cards_beyond_number),
		cmocka_unit_test(test_boots_bios),
		cmocka_unit_test(test_boots_uefi),
		cmocka_unit_test(test_boots_without_dhcp),
		cmocka_unit_test(test_boots_of_a_pi),
		cmocka_unit_test(test_strangers_make_room),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_flood_leaves_the_ring),
		cmocka_unit_test(test_flood_leaves_the_log),
		cmocka_unit_test(test_transfers),
		cmocka_unit_test(test_end_of_an_old_boot),
		cmocka_unit_test(test_pieces_are_counted),
		cmocka_unit_test(test_a_slow_reader_is_told),
		cmocka_unit_test(test_small_buffers),
		cmocka_unit_test(test_heard_twice),
		cmocka_unit_test(test_null_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
