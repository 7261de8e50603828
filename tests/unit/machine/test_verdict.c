/*
 * A conversation told to the registry, second by second, gives exactly this verdict.
 * For each rule: those that it speaks on, and those that look alike and it does not.
 */
#include "clock.h"
#include "machine/verdict.h"

#define PXE                                                                              \
	.kind = EV_DISCOVER, .via = VIA_DHCP, .text = "PXEClient:Arch:00007:UNDI:003016"
#define IPXE .kind = EV_DISCOVER, .via = VIA_DHCP, .text = "PXEClient iPXE"
#define TFTP(what, file) .kind = EV_##what, .via = VIA_TFTP, .name = file
#define HTTP(what, file) .kind = EV_##what, .via = VIA_HTTP, .name = file
#define DHCP(what, file) .kind = EV_##what, .via = VIA_DHCP, .name = file
#define ROM "snponly64.efi"

/* One event, `s` seconds after the one before. */
struct line {
	int s, arch;
	struct event e;
};
#define ROWS 16

struct talk {
	const char *what;
	struct line lines[ROWS];
	int silent;                 /* seconds after the last */
	const char *code, *outcome; /* code NULL: nothing to say */
	const char *words;          /* that must stand in the text or the next step */
};

/* clang-format off */
#define E(s, ...) {s, -1, {__VA_ARGS__}}
#define P(s, a) {s, a, {PXE}}
#define ASKS(a) P(0, a), E(0, DHCP(OFFER, ROM))
#define TO_ROM E(1, TFTP(PROBED, ROM)), E(0, TFTP(ASKED, ROM)), E(1, TFTP(SENT, ROM), .bytes = 300000, .packets = 200)
#define TO_MENU E(1, TFTP(SENT, "autoexec.ipxe")), E(5, HTTP(SENT, "chain.ipxe"))
#define TO_SCRIPT E(10, HTTP(SCRIPT, "ipxe/x.ipxe"))
#define TO_KERNEL E(1, HTTP(SENT, "extra/vmlinuz"), .bytes = 9000000)
#define INSTALLS(s, state) P(s, 7), TO_SCRIPT, TO_KERNEL, E(400, .kind = EV_DONE, .name = state)

static const struct talk talks[] = {
	/* Booted, and the ways there. */
	{"all goes well", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(1, HTTP(SENT, "extra/initrd.img"))},
		30, "booted", "booted", "extra/initrd.img last"},
	{"still at it", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(1, HTTP(ASKED, "extra/initrd.img"))},
		10, NULL, "running", NULL},
	{"only just done", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL}, 10, NULL, "running", NULL},
	{"a menu with time", {ASKS(7), TO_ROM, TO_MENU}, 45, NULL, "running", NULL},
	{"a Raspberry Pi", {P(0, 0), E(1, TFTP(MISSING, "8a1b2c3d/start4.elf")), E(1, TFTP(SENT, "start4.elf")),
		E(1, TFTP(MISSING, "recovery.elf")), E(1, TFTP(SENT, "kernel8.img"))}, 30, "booted", "booted", "kernel8.img"},
	{"GRUB looks for many files", {E(0, TFTP(SENT, "shimx64.efi")), E(1, TFTP(MISSING, "revocations.efi")),
		E(1, TFTP(SENT, "grubx64.efi")), E(1, TFTP(MISSING, "grub/x86_64-efi/command.lst")),
		E(1, TFTP(SENT, "grub/grub.cfg")), E(9, TFTP(SENT, "extra/linux"))}, 30, "booted", "booted", "extra/linux"},
	{"an installer that takes more", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(40, HTTP(SENT, "extra/packages")),
		E(5, HTTP(ASKED, "extra/more"))}, 5, "booted", "booted", NULL},

	/* done, local, ignored */
	{"the installer reports", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(400, .kind = EV_DONE)},
		2, "done", "done", "reported"},
	{"installed at every boot", {INSTALLS(0, "boot"), INSTALLS(900, "boot"), INSTALLS(900, "boot")},
		2, "reinstall-loop", "failed", "# pixie: once"},
	{"installed twice", {INSTALLS(0, "boot"), INSTALLS(900, "boot")}, 2, "done", "done", NULL},
	{"installed three times in an afternoon", {INSTALLS(0, "boot"), INSTALLS(900, "boot"), INSTALLS(7200, "boot")}, 2, "done", "done", NULL},
	{"installed as often as somebody said once", {INSTALLS(0, "once"), INSTALLS(900, "once"), INSTALLS(900, "once")}, 2, "done", "done", NULL},
	{"installed again and again, and now it boots", {INSTALLS(0, "boot"), INSTALLS(900, "boot"), P(900, 7), TO_SCRIPT, TO_KERNEL}, 30, "booted", "booted", NULL},
	{"told to boot its disk", {ASKS(7), TO_ROM, TO_MENU, E(10, HTTP(LOCAL, "ipxe/x.ipxe"))}, 60, "local", "local", "local disk"},
	{"local at first, then somebody set once", {ASKS(7), TO_ROM, TO_MENU, E(10, HTTP(LOCAL, "ipxe/x.ipxe")), TO_SCRIPT, TO_KERNEL},
		30, "booted", "booted", NULL},
	{"its script, then told to boot its disk", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, E(10, HTTP(LOCAL, "ipxe/x.ipxe"))},
		2, "local", "local", NULL},
	{"its state is ignore", {P(0, 7), E(0, DHCP(SILENT, NULL), .text = "its state is ignore")},
		2, "ignored", "quiet", "ignore"},
	{"ignored, but it had an offer before", {ASKS(7), TO_ROM, E(0, DHCP(SILENT, NULL), .text = "its state is ignore")},
		2, NULL, "running", NULL},

	/* offer-no-request */
	{"no request", {ASKS(7), P(4, 7), E(0, DHCP(OFFER, ROM)), P(8, 7), E(0, DHCP(OFFER, ROM))},
		2, "offer-no-request", "failed", "4011"},
	{"one offer and silence", {ASKS(7)}, 25, "offer-no-request", "failed", "firewall"},
	{"it still has time", {ASKS(7)}, 5, NULL, "running", NULL},
	{"it went on", {ASKS(7), P(4, 7), E(0, DHCP(OFFER, ROM)), P(8, 7), E(0, DHCP(OFFER, ROM)), TO_ROM}, 5, NULL, "running", NULL},
	{"4011, and then nothing", {ASKS(7), E(4, DHCP(ACK, ROM))}, 25, "boot-file-not-fetched", "failed", "tftp-ports"},
	{"4011, and time", {ASKS(7), E(4, DHCP(ACK, ROM))}, 5, NULL, "running", NULL},

	/* not-answered */
	{"nothing for it", {P(0, 6), E(0, DHCP(SILENT, NULL), .text = "snponly32.efi is an empty slot")},
		2, "not-answered", "quiet", "empty slot"},
	{"answered later", {P(0, 6), E(0, DHCP(SILENT, NULL), .text = "empty slot"), ASKS(6)}, 5, NULL, "running", NULL},

	/* two-dhcp-servers */
	{"another server names another file", {ASKS(7), E(0, DHCP(OTHER_OFFER, "pxelinux.0"), .text = "192.168.0.1")},
		25, "two-dhcp-servers", "failed", "pxelinux.0"},
	{"two others", {P(0, 7), E(0, DHCP(OTHER_OFFER, "a.efi"), .text = "10.0.0.1"), E(0, DHCP(OTHER_OFFER, "b.efi"), .text = "10.0.0.2")},
		25, "two-dhcp-servers", "failed", "10.0.0.2 said"},
	{"another that says the same", {ASKS(7), E(0, DHCP(OTHER_OFFER, ROM), .text = "192.168.0.1")},
		25, "offer-no-request", "failed", NULL},
	{"another, and it boots all the same", {ASKS(7), E(0, DHCP(OTHER_OFFER, "pxelinux.0"), .text = "192.168.0.1"), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL},
		30, "booted", "booted", NULL},
	{"another that only gives addresses", {ASKS(7), E(0, DHCP(OTHER_OFFER, NULL), .text = "192.168.0.1")},
		25, "offer-no-request", "failed", NULL},

	/* the ROM */
	{"no ROM runs", {ASKS(7), TO_ROM}, 35, "rom-then-silence", "failed", "Secure Boot"},
	{"no ROM runs, whatever it is", {TO_ROM}, 35, "rom-then-silence", "failed", "kind of machine"},
	{"a ROM takes its time", {ASKS(7), TO_ROM}, 20, NULL, "running", NULL},
	{"wrong architecture", {P(0, 11), E(1, TFTP(SENT, "snponly64.efi"))}, 2, "wrong-arch-rom", "failed", "ARM64 UEFI machine"},
	{"BIOS asks for EFI", {P(0, 0), E(1, TFTP(PROBED, "ipxe.efi"))}, 2, "wrong-arch-rom", "failed", "x86-64 UEFI"},
	{"EFI byte code is x64", {P(0, 9), TO_ROM}, 10, NULL, "running", NULL},
	{"HTTP Boot is of the same kind", {P(0, 16), E(1, HTTP(SENT, "snponly64.efi"))}, 10, NULL, "running", NULL},
	{"a menu that chains another ROM", {P(0, 0), E(1, TFTP(SENT, "undionly.kpxe")), E(3, HTTP(SENT, "chain.ipxe")),
		E(1, HTTP(SENT, "tools/shellx64.efi"))}, 10, NULL, "running", NULL},
	{"only the size", {ASKS(7), E(1, TFTP(PROBED, ROM))}, 25, "size-probe-only", "failed", "single-port"},
	{"the size, just now", {ASKS(7), E(1, TFTP(PROBED, ROM))}, 5, NULL, "running", NULL},
	{"the size, then the file", {ASKS(7), E(1, TFTP(PROBED, ROM)), E(0, TFTP(ASKED, ROM))}, 25, NULL, "running", NULL},
	{"nothing comes back", {E(0, TFTP(ASKED, ROM)), E(12, TFTP(FAILED, ROM)), E(1, TFTP(ASKED, ROM)), E(12, TFTP(FAILED, ROM))},
		5, "transfer-unanswered", "failed", "single-port"},
	{"it asks again", {E(0, TFTP(ASKED, ROM)), E(12, TFTP(FAILED, ROM)), E(1, TFTP(ASKED, ROM))}, 10, NULL, "running", NULL},
	{"it asks again, and gets it", {E(0, TFTP(FAILED, ROM)), TO_ROM}, 10, NULL, "running", NULL},
	{"no such ROM", {E(0, TFTP(MISSING, "ipxe-x86.efi"))}, 2, "rom-missing", "failed", "ipxe-x86.efi"},
	{"a shim's own files", {ASKS(7), E(0, TFTP(SENT, "shimx64.efi")), E(1, TFTP(MISSING, "mmx64.efi"))}, 5, NULL, "running", NULL},

	/* loop */
	{"the same ROM again and again", {E(0, TFTP(SENT, "undionly.kpxe")), E(6, IPXE), E(0, TFTP(SENT, "undionly.kpxe")), E(6, IPXE), E(0, TFTP(SENT, "undionly.kpxe"))},
		2, "loop", "failed", "user class"},
	{"in three boots", {ASKS(7), TO_ROM, P(20, 7), TO_ROM, P(20, 7), TO_ROM}, 2, "loop", "failed", "3 times"},
	{"twice is none", {ASKS(7), TO_ROM, P(20, 7), TO_ROM}, 10, NULL, "running", NULL},
	{"three boots that went well", {TO_ROM, E(2, HTTP(SENT, "chain.ipxe")), P(20, 7), TO_ROM, E(2, HTTP(SENT, "chain.ipxe")), P(20, 7), TO_ROM},
		10, NULL, "running", NULL},

	/* iPXE */
	{"iPXE without a menu", {ASKS(7), TO_ROM, E(5, IPXE)}, 35, "ipxe-then-silence", "failed", "TCP 80"},
	{"iPXE cannot reach HTTP", {ASKS(7), TO_ROM, E(1, TFTP(SENT, "autoexec.ipxe"))}, 35, "ipxe-then-silence", "failed", "chain.ipxe"},
	{"iPXE takes its time", {ASKS(7), TO_ROM, E(5, IPXE)}, 20, NULL, "running", NULL},
	{"somebody is at the menu", {ASKS(7), TO_ROM, TO_MENU}, 70, "menu-then-silence", "quiet", "screen"},

	/* the script */
	{"no script", {ASKS(7), TO_ROM, TO_MENU, E(10, HTTP(MISSING, "ipxe/x.ipxe"), .text = "looked for x.ipxe, default.ipxe")},
		2, "script-missing", "failed", "looked for x.ipxe, default.ipxe"},
	{"a script that may not be read", {ASKS(7), TO_ROM, TO_MENU, E(0, HTTP(REFUSED, "ipxe/x.ipxe"), .text = "Permission denied")},
		2, "script-missing", "failed", "Permission denied"},
	{"the script came late", {ASKS(7), TO_ROM, TO_MENU, E(10, HTTP(MISSING, "ipxe/x.ipxe")), E(30, HTTP(SCRIPT, "ipxe/x.ipxe")), TO_KERNEL},
		30, "booted", "booted", NULL},
	{"a dead address in it", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT}, 35, "kernel-never-asked", "quiet", "address"},
	{"one script is told of twice", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, E(0, HTTP(SENT, "ipxe/x.ipxe"))},
		35, "kernel-never-asked", "quiet", "address"},
	{"it comes back for its script", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, E(0, HTTP(SENT, "ipxe/x.ipxe")), E(45, HTTP(SCRIPT, "ipxe/x.ipxe")), E(0, HTTP(SENT, "ipxe/x.ipxe"))},
		15, "kernel-never-asked", "failed", "again and again"},
	{"the script, just now", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT}, 20, NULL, "running", NULL},
	{"no kernel of that name", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, E(0, HTTP(MISSING, "extra/vmlinux"))}, 2, "kernel-missing", "failed", "extra/vmlinux"},
	{"no initrd of that name", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(0, HTTP(MISSING, "extra/initrd"))}, 2, "initrd-missing", "failed", "extra/initrd"},
	{"an initrd that may not be read", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(0, HTTP(REFUSED, "extra/initrd"), .text = "Permission denied")},
		2, "initrd-missing", "failed", "readable"},
	{"an initrd of which nothing came", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(0, HTTP(FAILED, "extra/initrd"))}, 25, "initrd-missing", "failed", "switch port"},
	{"the name was mended", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(0, HTTP(MISSING, "extra/initrd")), E(9, HTTP(SCRIPT, "ipxe/x.ipxe")), TO_KERNEL, E(0, HTTP(SENT, "extra/initrd"))},
		30, "booted", "booted", NULL},
	{"its initrd is on a dead host", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(40, HTTP(SCRIPT, "ipxe/x.ipxe"))},
		2, "kernel-then-script", "failed", "came back for its script"},
	{"and again", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(40, HTTP(SCRIPT, "ipxe/x.ipxe")), TO_KERNEL}, 30, "kernel-then-script", "failed", "another host"},
	{"the host came back", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(40, HTTP(SCRIPT, "ipxe/x.ipxe")), TO_KERNEL}, 70, "booted", "booted", NULL},
	{"it is further this time", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(40, HTTP(SCRIPT, "ipxe/x.ipxe")), TO_KERNEL, E(1, HTTP(ASKED, "extra/initrd"))},
		10, NULL, "running", NULL},
	{"it came further the second time", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(40, HTTP(SCRIPT, "ipxe/x.ipxe")), TO_KERNEL, E(1, HTTP(SENT, "extra/initrd"))},
		30, "booted", "booted", NULL},

	/* the way */
	{"a transfer stands", {ASKS(7), E(1, TFTP(ASKED, ROM)), E(15, .kind = EV_STALLED, .name = ROM, .bytes = 400, .total = 1000)}, 25, "stalled", "failed", "40 %"},
	{"a transfer was cut", {ASKS(7), E(1, TFTP(ASKED, ROM)), E(30, TFTP(FAILED, ROM), .bytes = 750, .total = 1000)}, 25, "stalled", "failed", "75 %"},
	{"the initrd was cut", {ASKS(7), TO_ROM, TO_MENU, TO_SCRIPT, TO_KERNEL, E(30, HTTP(FAILED, "extra/initrd"), .bytes = 10755564, .total = 30000000, .text = "client closed the connection")},
		25, "stalled", "failed", "broke off at 35 % (10.8 MB of 30.0 MB): client closed"},
	{"cut, and then whole", {ASKS(7), E(1, TFTP(FAILED, ROM), .bytes = 750, .total = 1000), TO_ROM}, 25, NULL, "running", NULL},
	{"a bad cable", {ASKS(7), E(1, TFTP(SENT, ROM), .bytes = 300000, .packets = 200, .resent = 60)}, 3, "retransmissions", "running", "23 %"},
	{"a bad cable, and it boots", {ASKS(7), E(1, TFTP(SENT, ROM), .bytes = 300000, .packets = 200, .resent = 60), TO_MENU, TO_SCRIPT, TO_KERNEL}, 45, "retransmissions", "booted", "duplex"},
	{"a bad cable, and it does not", {ASKS(7), E(1, TFTP(SENT, ROM), .bytes = 300000, .packets = 200, .resent = 60)}, 45, "retransmissions", "failed", "cable"},
	{"a packet lost here and there", {ASKS(7), E(1, TFTP(SENT, ROM), .bytes = 300000, .packets = 200, .resent = 7)}, 3, NULL, "running", NULL},
	{"few of very many", {ASKS(7), E(1, TFTP(SENT, ROM), .bytes = 146800000, .packets = 100000, .resent = 900)}, 3, NULL, "running", NULL},

	/* nothing else fits */
	{"gone", {E(0, IPXE), E(2, TFTP(ASKED, "chain.ipxe")), E(1, TFTP(FAILED, "chain.ipxe"))}, 700, "transfer-unanswered", "failed", NULL},
	{"a Pi that stops early", {P(0, 0), E(1, TFTP(SENT, "start4.elf"))}, 130, "quiet", "quiet", "Nothing was heard"},
};
/* clang-format on */

static void
check(const struct talk *t)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct sighting who = seen_as(1);
	struct machine_view v;

	for (const struct line *l = t->lines; l < t->lines + ROWS; l++) {
		struct event e = l->e;

		if (e.via == VIA_NONE && e.name == NULL && e.kind == EV_DISCOVER)
			break;
		pass(r, &c, l->s);
		e.arch = (int16_t)l->arch;
		registry_tell(r, &who, &e);
	}
	pass(r, &c, t->silent);
	v = view_of(r, 1);
	if (strcmp(v.verdict, t->code ? t->code : "") != 0 ||
		strcmp(v.outcome, t->outcome) != 0)
		fail_msg("%s: %s (%s), not %s (%s): %s", t->what, v.verdict, v.outcome,
			t->code ? t->code : "", t->outcome, v.verdict_text);
	if (t->words && !strstr(v.verdict_text, t->words) &&
		!strstr(v.next_step, t->words))
		fail_msg("%s: no \"%s\" in: %s %s", t->what, t->words, v.verdict_text,
			v.next_step);
	registry_free(r);
}

static void
test_talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(talks); i++)
		check(&talks[i]);
}

static const char *
code_of(const struct event *e, size_t n, int silent)
{
	struct verdict v = {0};

	return verdict_of(e, n, NULL, (int64_t)silent * 1000, &v) ? v.code : "";
}

/* What the store keeps of a boot has neither numbers nor a count of packets. */
static void
test_older_boots(void **state)
{
	(void)state;
	for (const struct talk *t = talks; t < talks + COUNT(talks); t++) {
		struct event told[ROWS], kept[ROWS];
		size_t n = 0;

		for (const struct line *l = t->lines; l < t->lines + ROWS; l++) {
			if (l->e.via == VIA_NONE && l->e.kind == EV_DISCOVER)
				break;
			told[n] = l->e;
			told[n].arch = (int16_t)l->arch;
			told[n].seq = n + 1;
			kept[n] = told[n];
			kept[n].seq = 0;
			kept[n].packets = 0;
			n++;
		}
		if (strcmp(code_of(told, n, t->silent), code_of(kept, n, t->silent)) != 0)
			fail_msg("%s: %s, and from the store %s", t->what,
				code_of(told, n, t->silent), code_of(kept, n, t->silent));
	}
}

/* Every code is somebody's in the table above, and none is too long for a view. */
static void
test_every_rule_speaks(void **state)
{
	(void)state;
	for (size_t i = 0; verdict_code_at(i) != NULL; i++) {
		size_t n = 0;

		for (size_t t = 0; t < COUNT(talks); t++)
			n += talks[t].code &&
			     strcmp(talks[t].code, verdict_code_at(i)) == 0;
		if (n == 0)
			fail_msg("no conversation gives %s", verdict_code_at(i));
		assert_true(strlen(verdict_code_at(i)) <
			    sizeof(((struct machine_view *)0)->verdict));
		assert_string_equal(verdict_code(verdict_code_at(i)), verdict_code_at(i));
	}
}

/* Words stay whole: the longest names the network can give do not cut off the advice. */
static void
test_long_names(void **state)
{
	char name[600], text[600];
	struct verdict v;
	struct event e[2];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	memset(text, 't', sizeof(text) - 1);
	name[sizeof(name) - 1] = text[sizeof(text) - 1] = '\0';
	e[0] = (struct event){
		.kind = EV_SCRIPT, .via = VIA_HTTP, .seq = 1, .arch = -1, .name = name};
	e[1] = (struct event){.kind = EV_MISSING,
		.via = VIA_HTTP,
		.seq = 2,
		.arch = -1,
		.name = name,
		.text = text};
	assert_true(verdict_of(e, 2, NULL, 0, &v));
	assert_string_equal(v.code, "kernel-missing");
	assert_int_equal(strlen(v.text), sizeof(v.text) - 1);
	assert_true(strlen(v.next) < sizeof(v.next) - 1);
}

/* The log and the readers are told once, and again when it changes. */
static void
test_told_once(void **state)
{
	struct clock c = {0};
	struct registry *r = registry_with(&c, 0, 0);
	struct event out[32];
	char buf[8000];
	uint64_t cursor = 0, lost;
	size_t n, told = 0;
	struct mac mac = mac_n(1);

	(void)state;
	tell(r, seen_as(1), EV_SENT, VIA_TFTP, "undionly.kpxe");
	pass(r, &c, 100);
	tell(r, seen_as(1), EV_SENT, VIA_HTTP, "chain.ipxe");
	pass(r, &c, 20);
	n = registry_events(r, &cursor, &mac, out, 32, buf, sizeof(buf), &lost);
	for (size_t i = 0; i < n; i++)
		if (out[i].kind == EV_VERDICT && ++told)
			assert_string_equal(out[i].name, "rom-then-silence");
	assert_int_equal(told, 1);
	assert_string_equal(view_of(r, 1).verdict, "");
	assert_string_equal(view_of(r, 1).outcome, "running");
	assert_int_equal(view_of(r, 1).boot_end_ms, 0);
	pass(r, &c, 700);
	assert_string_equal(view_of(r, 1).outcome, "quiet");
	assert_int_not_equal(view_of(r, 1).boot_end_ms, 0);
	registry_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),
		cmocka_unit_test(test_older_boots),
		cmocka_unit_test(test_every_rule_speaks),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
