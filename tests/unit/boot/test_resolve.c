#include "sandbox.h"

#include <sys/resource.h>

#include "assets/asset.h"
#include "boot/resolve.h"

static struct site site;
static char scripts[128], extra[128], own[128];

static int
setup(void **state)
{
	if (make_sandbox(state) < 0)
		return -1;
	put_dir("scripts");
	put_dir("extra");
	put_dir("roms");
	put_dir("roms/x86_64-sb");
	put_file("roms/snponly32.efi", "a stand-in");
	put_file("roms/snponly.efi", "my own snponly");
	put_file("roms/x86_64-sb/shimx64.efi", "shim");
	put_file("scripts/00-11-22-33-44-55.ipxe", "exact");
	put_file("scripts/AA:BB:CC:00:00:01.ipxe", "colons");
	put_file("scripts/4C4C4544-0044-4810-8031-B4C04F4A3832.ipxe", "by uuid");
	put_file("scripts/serial-7.ipxe", "by serial");
	put_file("extra/vmlinuz", "kernel");
	put_dir("extra/pxelinux.cfg");
	put_file("extra/pxelinux.cfg/default", "pxelinux");
	strcpy(scripts, in_sandbox("scripts"));
	strcpy(extra, in_sandbox("extra"));
	strcpy(own, in_sandbox("roms"));
	return 0;
}

static int
fresh_site(void **state)
{
	site = (struct site){.scripts = scripts, .extra = extra};
	netaddr_parse_host("0.0.0.0", &site.http);
	netaddr_set_port(&site.http, 8080);
	return 0;
}

static struct asked
ask(const char *name, const char *query)
{
	struct asked asked = {.name = name, .len = strlen(name), .query = query};

	netaddr_parse_host("192.0.2.1", &asked.reached);
	return asked;
}

/* The text a name gives, or "KIND: note". Good until the next call. */
static const char *
text_of(const struct asked *asked)
{
	static const char *const kinds[] = {"content", "directory", "not found", "denied",
		"bad name", "busy", "failed"};
	static char buf[4096];
	struct resolution r;
	size_t n;

	resolve(&site, asked, &r);
	if (r.kind != RESOLVED_CONTENT) {
		snprintf(buf, sizeof(buf), "%s: %s", kinds[r.kind], r.note);
		resolution_done(&r);
		return buf;
	}
	n = content_size(r.content);
	assert_true(n < sizeof(buf));
	assert_int_equal(content_read(r.content, 0, buf, n), 0);
	buf[n] = '\0';
	resolution_done(&r);
	return buf;
}

static const char *
get(const char *name, const char *query)
{
	struct asked asked = ask(name, query);

	return text_of(&asked);
}

static void
names_lead_to_content(void **state)
{
	static const struct {
		const char *name, *begins;
	} table[] = {
		{"ipxe/00-11-22-33-44-55.ipxe", "exact"},
		{"/ipxe//00-11-22-33-44-55.ipxe", "exact"},
		{"extra/vmlinuz", "kernel"},
		{"vmlinuz", "kernel"},
		{"pxelinux.cfg/default", "pxelinux"},
		{"extra", "directory"},
		{"ipxe", "directory"},
		{"chain.ipxe", "#!ipxe\n"},
		{"autoexec.ipxe", "#!ipxe\n"},
		{"", "not found: nothing at the root"},
		{"nothing", "not found: nothing: No such file"},
		{"ipxe/nothing.ipxe", "not found: ipxe/nothing.ipxe: No such file"},
		{"extra/../../secret", "bad name: "},
		{"ipxefoo", "not found: "},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s\n", table[i].name);
		assert_int_equal(strncmp(get(table[i].name, ""), table[i].begins,
					 strlen(table[i].begins)),
			0);
	}
}

/* The log says "served=" only when it was something else than what was asked for. */
static void
what_was_served_is_noted_only_when_it_differs(void **state)
{
	static const char *const names[] = {"chain.ipxe", "undionly.kpxe", "vmlinuz",
		"extra", "ipxe/00-11-22-33-44-55.ipxe"};
	struct resolution r;

	site.roms = own;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct asked asked = ask(names[i], "");

		resolve(&site, &asked, &r);
		assert_true(r.kind == RESOLVED_CONTENT || r.kind == RESOLVED_DIRECTORY);
		assert_string_equal(r.note, "");
		resolution_done(&r);
	}
	put_file("scripts/default.ipxe", "default");
	resolve(&site,
		&(struct asked){
			.name = "ipxe/02-00-00-00-00-09.ipxe", .len = 27, .query = ""},
		&r);
	assert_string_equal(r.note, "default.ipxe");
	resolution_done(&r);
	assert_int_equal(unlink(in_sandbox("scripts/default.ipxe")), 0);
}

static void
without_extra_the_miss_says_so(void **state)
{
	site.extra = NULL;
	assert_non_null(strstr(get("extra/vmlinuz", ""), "option -e"));
	assert_non_null(strstr(get("start4.elf", ""), "no such ROM"));
}

static void
a_machines_script_in_any_spelling(void **state)
{
	assert_string_equal(get("ipxe/00-11-22-33-44-55.ipxe", ""), "exact");
	assert_string_equal(get("ipxe/00:11:22:33:44:55.ipxe", ""), "exact");
	assert_string_equal(get("ipxe/001122334455.IPXE", ""), "exact");
	assert_string_equal(get("ipxe/aa-bb-cc-00-00-01.ipxe", ""), "colons");
	assert_string_equal(get("ipxe/aa_bb_cc_00_00_01.ipxe", ""), "colons");
}

static void
then_by_uuid_then_serial_then_default(void **state)
{
	static const char stranger[] = "ipxe/02-00-00-00-00-09.ipxe";
	static const char all[] =
		"uuid=4c4c4544-0044-4810-8031-b4c04f4a3832&serial=SERIAL-7";

	assert_string_equal(get(stranger, all), "by uuid");
	assert_string_equal(get("ipxe/00-11-22-33-44-55.ipxe", all), "exact");
	assert_string_equal(get(stranger, "uuid=&serial=serial-7"), "by serial");
	put_file("scripts/default.ipxe", "default");
	assert_string_equal(get(stranger, all), "by uuid");
	assert_string_equal(get(stranger, "serial=other"), "default");
	assert_string_equal(get(stranger, ""), "default");
	assert_int_equal(unlink(in_sandbox("scripts/default.ipxe")), 0);
}

static void
the_miss_says_what_was_looked_for(void **state)
{
	assert_string_equal(
		get("ipxe/02-00-00-00-00-09.ipxe",
			"uuid=4C4C4544-0044-4810-8031-000000000000&serial=S%201"),
		"not found: no script for this machine; looked for "
		"02-00-00-00-00-09.ipxe, "
		"4c4c4544-0044-4810-8031-000000000000.ipxe, S 1.ipxe, default.ipxe");
	assert_string_equal(get("ipxe/020000000009.ipxe", "serial=..%2fsecret"),
		"not found: no script for this machine; looked for "
		"02-00-00-00-00-09.ipxe, "
		"default.ipxe");
}

static void
a_rom_under_both_of_its_names(void **state)
{
	for (size_t i = 0; i < roms_count; i++) {
		const struct asset *a = asset_find(roms[i].name);
		struct asked asked = ask(roms[i].name, "");
		struct resolution r;

		if (a == NULL)
			continue;
		for (int n = 0; n < 2; n++) {
			resolve(&site, &asked, &r);
			assert_int_equal(r.kind, RESOLVED_CONTENT);
			assert_ptr_equal(content_view(r.content, 0), a->data);
			assert_int_equal(content_size(r.content), a->len);
			resolution_done(&r);
			asked = ask(*roms[i].alias ? roms[i].alias : roms[i].name, "");
		}
	}
}

static void
an_empty_slot_says_how_to_fill_it(void **state)
{
	const char *said = get("snponly32.efi", "");

	assert_int_equal(
		strncmp(said, "not found: snponly32.efi is an empty slot", 41), 0);
	assert_non_null(strstr(said, "--roms DIR"));
	site.roms = own;
	assert_string_equal(get("snponly32.efi", ""), "a stand-in");
}

static void
own_roms_come_first_by_either_name(void **state)
{
	site.roms = own;
	assert_string_equal(get("snponly64.efi", ""), "my own snponly");
	assert_string_equal(get("snponly.efi", ""), "my own snponly");
	assert_string_equal(get("x86_64-sb/shimx64.efi", ""), "shim");
	assert_string_equal(get("vmlinuz", ""), "kernel");
}

static bool
chain_has(struct asked *asked, const char *base)
{
	char line[256];

	snprintf(line, sizeof(line), "chain --autofree %s/ipxe/", base);
	return strstr(text_of(asked), line) != NULL;
}

static void
chain_has_the_address_the_client_reached(void **state)
{
	struct asked asked = ask("chain.ipxe", "");
	struct netaddr at[2];
	const char *why;

	assert_true(chain_has(&asked, "http://192.0.2.1:8080"));
	asked.over_http = true;
	netaddr_set_port(&asked.reached, 80);
	assert_true(chain_has(&asked, "http://192.0.2.1:80"));
	netaddr_parse_host("2001:db8::1", &asked.reached);
	netaddr_set_port(&asked.reached, 8080);
	assert_true(chain_has(&asked, "http://[2001:db8::1]:8080"));
	/* HTTP listens elsewhere than TFTP was reached */
	asked.over_http = false;
	assert_int_equal(netaddr_parse_listen("198.51.100.1:81", at, &why), 1);
	site.http = at[0];
	assert_true(chain_has(&asked, "http://198.51.100.1:81"));
	/* NAT */
	netaddr_parse_host("203.0.113.9", &site.advertise);
	assert_true(chain_has(&asked, "http://203.0.113.9:81"));
	netaddr_set_port(&site.advertise, 8000);
	asked.over_http = true;
	assert_true(chain_has(&asked, "http://203.0.113.9:8000"));
}

static void
nothing_of_the_template_is_left(void **state)
{
	assert_null(strstr(get("chain.ipxe", ""), "@BASE@"));
	assert_null(strstr(get("chain.ipxe", ""), "next-server"));
	assert_null(strstr(get("autoexec.ipxe", ""), "@BASE@"));
}

/* An unmounted disk is not a machine that nobody has written a script for. */
static void
a_script_directory_that_is_gone_is_said(void **state)
{
	site.scripts = "/nonexistent";
	assert_string_equal(get("ipxe/02-00-00-00-00-09.ipxe", ""),
		"failed: the script directory /nonexistent: No such file or directory");
	assert_int_equal(strncmp(get("chain.ipxe", ""), "#!ipxe", 6), 0);
}

/* Not "no such file": the machine is to ask again. */
static void
without_descriptors_it_is_busy(void **state)
{
	struct rlimit was, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){0, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_string_equal(get("vmlinuz", ""), "busy: vmlinuz: Too many open files");
	assert_int_equal(strncmp(get("ipxe/02-00-00-00-00-09.ipxe", ""), "busy: ", 6), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static void
the_admins_chain_replaces_ours(void **state)
{
	put_file("scripts/chain.ipxe", "mine");
	assert_string_equal(get("chain.ipxe", ""), "mine");
	assert_string_equal(get("/chain.ipxe", ""), "mine");
	assert_int_equal(unlink(in_sandbox("scripts/chain.ipxe")), 0);
	assert_int_equal(strncmp(get("chain.ipxe", ""), "#!ipxe", 6), 0);
}

int
main(void)
{
#define AT(test) cmocka_unit_test_setup(test, fresh_site)
	const struct CMUnitTest tests[] = {
		AT(names_lead_to_content),
		AT(what_was_served_is_noted_only_when_it_differs),
		AT(without_extra_the_miss_says_so),
		AT(a_machines_script_in_any_spelling),
		AT(then_by_uuid_then_serial_then_default),
		AT(the_miss_says_what_was_looked_for),
		AT(a_rom_under_both_of_its_names),
		AT(an_empty_slot_says_how_to_fill_it),
		AT(own_roms_come_first_by_either_name),
		AT(chain_has_the_address_the_client_reached),
		AT(nothing_of_the_template_is_left),
		AT(a_script_directory_that_is_gone_is_said),
		AT(without_descriptors_it_is_busy),
		AT(the_admins_chain_replaces_ours),
	};

	return cmocka_run_group_tests(tests, setup, remove_sandbox);
}
