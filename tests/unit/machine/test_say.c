/* Every kind of event in words, with all it may have and with nothing. */
#include "unit.h"

#include "machine/say.h"

static const struct {
	struct event e;
	const char *say;
} said[] = {
	{{.kind = EV_DISCOVER, .text = "PXEClient"},
		"Asks by DHCP what to boot (PXEClient)."},
	{{.kind = EV_OFFER, .name = "snponly64.efi", .text = "boot file in the offer"},
		"We offer snponly64.efi, as boot file in the offer."},
	{{.kind = EV_SILENT, .text = "no script"},
		"We do not answer its DHCP: no script."},
	{{.kind = EV_ACK, .name = "a.efi"}, "Asks on port 4011 and is told a.efi."},
	{{.kind = EV_OTHER_OFFER, .name = "b.efi", .text = "192.0.2.9"},
		"Another DHCP server (192.0.2.9) offers it b.efi."},
	{{.kind = EV_ASKED, .via = VIA_TFTP, .name = "a.efi", .total = 1234567},
		"Asks for a.efi by TFTP (1.2 MB)."},
	{{.kind = EV_PROBED, .via = VIA_HTTP, .name = "a.efi"},
		"Asks only for the size of a.efi by HTTP."},
	{{.kind = EV_SENT, .via = VIA_HTTP, .name = "k", .bytes = 1, .ms = 1250},
		"Has fetched k by HTTP: 1 byte in 1.2 s."},
	{{.kind = EV_SENT, .via = VIA_TFTP, .name = "k", .bytes = 999, .resent = 1},
		"Has fetched k by TFTP: 999 bytes in less than 1 ms, 1 packet sent again."},
	{{.kind = EV_SENT, .via = VIA_TFTP, .name = "k", .bytes = 2, .ms = 999},
		"Has fetched k by TFTP: 2 bytes in 999 ms."},
	{{.kind = EV_FAILED,
		 .via = VIA_TFTP,
		 .name = "k",
		 .bytes = 50,
		 .total = 200,
		 .text = "no answer"},
		"The transfer of k by TFTP broke off at 50 bytes of 200 bytes (25 %): no "
		"answer."},
	{{.kind = EV_MISSING, .via = VIA_HTTP, .name = "x.ipxe", .text = "a, b"},
		"Asks for x.ipxe by HTTP, which does not exist: a, b."},
	{{.kind = EV_REFUSED, .via = VIA_HTTP, .name = "..", .text = "leaves"},
		"Is refused .. by HTTP: leaves."},
	{{.kind = EV_SCRIPT, .name = "default.ipxe"},
		"Is given its script, default.ipxe."},
	{{.kind = EV_LOCAL}, "Is told to boot its local disk."},
	{{.kind = EV_LOCAL, .text = "local"},
		"Is told to boot its local disk, by its state (local, or a once that is "
		"used up)."},
	{{.kind = EV_LOCAL, .text = "ignore"},
		"Is told to boot its local disk, by its state (ignore)."},
	{{.kind = EV_STATE, .name = "once", .text = "page"},
		"Its state is now 'once' (page)."},
	{{.kind = EV_DONE}, "Reports that it is done."},
	{{.kind = EV_BOOT, .boot = 7}, "Boot 7 begins."},
	{{.kind = EV_VERDICT, .name = "x", .text = "It booted."}, "It booted."},
	{{.kind = EV_STALLED, .via = VIA_TFTP, .name = "k", .bytes = 2000},
		"The transfer of k by TFTP stands still at 2.0 kB."},
	{{.kind = EV_SERVER, .text = "pixie starts"}, "pixie starts."},
};

static void
what_is_said(void **state)
{
	char buf[SAY_MAX];

	for (size_t i = 0; i < COUNT(said); i++)
		assert_string_equal(event_say(&said[i].e, buf), said[i].say);
}

/* No kind is without words, no missing member is read, nothing is too long. */
static void
all_and_nothing(void **state)
{
	char buf[SAY_MAX], *longest = malloc(5000);

	memset(longest, 'x', 4999);
	longest[4999] = '\0';
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		struct event none = {.kind = (enum event_kind)kind, .arch = -1};
		struct event all = none;

		assert_true(strlen(event_say(&none, buf)) > 5);
		assert_int_equal(buf[strlen(buf) - 1], '.');
		all.name = all.text = longest;
		assert_true(strlen(event_say(&all, buf)) < SAY_MAX);
	}
	free(longest);
}

static void
bytes_in_words(void **state)
{
	static const struct {
		uint64_t n;
		const char *say;
	} sizes[] = {{0, "0 bytes"}, {1, "1 byte"}, {999, "999 bytes"}, {1000, "1.0 kB"},
		{999949, "999.9 kB"}, {999950, "1.0 MB"}, {UINT64_MAX, "18.4 EB"}};
	char buf[BYTES_TEXT];

	for (size_t i = 0; i < COUNT(sizes); i++)
		assert_string_equal(bytes_say(sizes[i].n, buf), sizes[i].say);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said),
		cmocka_unit_test(all_and_nothing),
		cmocka_unit_test(bytes_in_words),
	};

	return cmocka_run_group_tests_name("machine say", tests, NULL, NULL);
}
