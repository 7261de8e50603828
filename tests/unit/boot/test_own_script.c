/* What a machine gets by its state, boot after boot; the clock is the test's. */
#include "sandbox.h"

#include "base/log.h"
#include "boot/own_script.h"
#include "boot/script_log.h"
#include "machine/registry.h"

#define NAME "ipxe/52-54-00-00-00-01.ipxe"
#define FILE_NAME "52-54-00-00-00-01.ipxe"
#define LOCAL "(local)"

static const struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};
static struct mono clock_now;
static struct site site;
static struct asked asked;

static struct mono
now(void *arg)
{
	return clock_now;
}

static int
setup(void **state)
{
	static char scripts[128];

	if (make_sandbox(state) < 0)
		return -1;
	put_dir("scripts");
	strcpy(scripts, in_sandbox("scripts"));
	clock_now = (struct mono){MONO_S(1000)};
	site = (struct site){.scripts = scripts,
		.registry = registry_new(&(struct registry_config){.now = now})};
	netaddr_parse_host("0.0.0.0", &site.http);
	netaddr_set_port(&site.http, 8080);
	asked = (struct asked){.query = "", .over_http = true};
	netaddr_parse_host("192.0.2.1", &asked.reached);
	netaddr_set_port(&asked.reached, 8080);
	return 0;
}

static int
teardown(void **state)
{
	registry_free(site.registry);
	return remove_sandbox(state);
}

/* What a name gives: its text, LOCAL, or the note of a refusal. Until the next call. */
static const char *
get(const char *name)
{
	static char buf[4096];
	struct resolution r;
	size_t n;

	asked.name = name;
	asked.len = strlen(name);
	resolve(&site, &asked, &r);
	if (r.kind != RESOLVED_CONTENT) {
		snprintf(buf, sizeof(buf), "%s", r.note);
	} else {
		n = (size_t)content_size(r.content);
		assert_true(n < sizeof(buf));
		assert_int_equal(content_read(r.content, 0, buf, n), 0);
		buf[n] = '\0';
		if (strstr(buf, "sanboot --no-describe") != NULL)
			strcpy(buf, LOCAL);
	}
	resolution_done(&r);
	return buf;
}

/* The machine is switched on (again): its firmware asks DHCP. */
static void
boots(void)
{
	struct sighting who = {.mac = mac, .has_mac = true, .arch = 0};

	clock_now = mono_after(clock_now, MONO_S(600));
	registry_tell(site.registry, &who,
		&(struct event){.kind = EV_DISCOVER,
			.via = VIA_DHCP,
			.arch = 0,
			.text = "PXEClient"});
	clock_now = mono_after(clock_now, MONO_S(20));
}

static void
state_is(enum machine_state state)
{
	assert_int_not_equal(registry_set_state(site.registry, &mac, state, "api"), 0);
}

static void
each_state_gives_its_own(void **state)
{
	static const struct {
		enum machine_state set;
		const char *want;
	} rows[] = {{STATE_BOOT, "mine"}, {STATE_ONCE, "mine"}, {STATE_LOCAL, LOCAL},
		{STATE_IGNORE, LOCAL}};

	put_file("scripts/" FILE_NAME, "mine");
	assert_string_equal(get(NAME), "mine");
	for (size_t i = 0; i < COUNT(rows); i++) {
		state_is(rows[i].set);
		boots();
		assert_string_equal(get(NAME), rows[i].want);
	}
}

static void
local_needs_no_script(void **state)
{
	assert_non_null(strstr(get(NAME), "no script for this machine"));
	state_is(STATE_LOCAL);
	assert_string_equal(get(NAME), LOCAL);
}

static void
once_is_one_boot(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: once\n");
	boots();
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n"); /* iPXE tries again */
	boots();
	assert_string_equal(get(NAME), LOCAL);
	boots();
	assert_string_equal(get(NAME), LOCAL);
	/* Somebody wants it installed again. */
	state_is(STATE_ONCE);
	boots();
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	boots();
	assert_string_equal(get(NAME), LOCAL);
}

/* By files alone: who keeps the scripts in git sets no states. */
static void
once_counts_again_after_a_boot_without(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: once\n");
	boots();
	get(NAME);
	boots();
	assert_string_equal(get(NAME), LOCAL);
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: boot\n");
	boots();
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: boot\n");
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: once\n");
	boots();
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	boots();
	assert_string_equal(get(NAME), LOCAL);
}

/* The first that pixie hears of a machine, and of each of its boots, is this request. */
static void
once_without_dhcp(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: once\n");
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	clock_now = mono_after(clock_now, MONO_S(3));
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	clock_now = mono_after(clock_now, MONO_S(1200));
	assert_string_equal(get(NAME), LOCAL);
}

static void
head_and_browsers_use_nothing_up(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: once\n");
	boots();
	asked.purpose = FOR_PROBE;
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	asked.purpose = FOR_READING;
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	boots();
	asked.purpose = FOR_BOOT;
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	boots();
	assert_string_equal(get(NAME), LOCAL);
	asked.purpose = FOR_PROBE;
	assert_string_equal(get(NAME), LOCAL);
	asked.purpose = FOR_READING; /* the file, whatever the state */
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
}

static void
state_set_by_somebody_wins_over_the_script(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: local\n");
	boots();
	assert_string_equal(get(NAME), LOCAL);
	state_is(STATE_BOOT);
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: local\n");
}

static void
default_script_may_say_it_for_every_machine(void **state)
{
	put_file("scripts/default.ipxe", "#!ipxe\n# pixie: once\n");
	boots();
	assert_string_equal(get(NAME), "#!ipxe\n# pixie: once\n");
	boots();
	assert_string_equal(get(NAME), LOCAL);
	assert_string_equal(
		get("ipxe/52-54-00-00-00-02.ipxe"), "#!ipxe\n# pixie: once\n");
}

static void
menu_does_not_come_before_the_local_disk(void **state)
{
	struct who who = {.mac = mac, .has_mac = true};

	put_file("scripts/" FILE_NAME, "mine");
	state_is(STATE_LOCAL);
	assert_non_null(strstr(get("chain.ipxe"), "menu PXE"));
	asked.query = "mac=52-54-00-00-00-01";
	assert_string_equal(get("chain.ipxe"), LOCAL);
	assert_string_equal(get("autoexec.ipxe"), LOCAL);
	asked.query = "mac=52:54:00:00:00:02";
	assert_non_null(strstr(get("chain.ipxe"), "menu PXE"));
	asked.query = "";
	asked.who = &who;
	assert_string_equal(get("chain.ipxe"), LOCAL);
	put_file("scripts/chain.ipxe", "my menu");
	assert_string_equal(get("chain.ipxe"), LOCAL);
	state_is(STATE_BOOT);
	assert_string_equal(get("chain.ipxe"), "my menu");
}

static void
menu_comes_again_only_in_the_boot_of_the_once(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: once\n");
	asked.query = "mac=52-54-00-00-00-01";
	boots();
	assert_non_null(strstr(get("chain.ipxe"), "menu PXE"));
	get(NAME);
	assert_non_null(strstr(get("chain.ipxe"), "menu PXE"));
	boots();
	assert_string_equal(get("chain.ipxe"), LOCAL);
}

/* The token in a script's "http://192.0.2.1:8080/done/TOKEN", "" when it has none. */
static const char *
token_in(const char *text)
{
	static char token[64];
	static const char url[] = "http://192.0.2.1:8080/done/";
	const char *at = strstr(text, url);

	snprintf(token, sizeof(token), "%.32s", at ? at + strlen(url) : "");
	return token;
}

static void
done_is_filled_in_for_each_boot(void **state)
{
	char first[64], second[64];

	put_file("scripts/" FILE_NAME, "#!ipxe\nkernel k done=${pixie-done} x\n");
	boots();
	strcpy(first, token_in(get(NAME)));
	assert_int_equal(strlen(first), 32);
	assert_string_equal(token_in(get(NAME)), first);
	assert_null(strstr(get(NAME), "pixie-done"));
	assert_non_null(strstr(get(NAME), " x\n"));
	boots();
	strcpy(second, token_in(get(NAME)));
	assert_int_equal(strlen(second), 32);
	assert_string_not_equal(second, first);
	assert_false(registry_done(site.registry, first, strlen(first)));
	assert_true(registry_done(site.registry, second, strlen(second)));
	assert_true(registry_done(site.registry, second, strlen(second)));
}

static void
done_ends_the_once(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: once\necho ${pixie-done}\n");
	boots();
	assert_true(registry_done(site.registry, token_in(get(NAME)), 32));
	assert_string_equal(get(NAME), LOCAL);
}

static void
done_in_a_shared_script_is_of_the_machine_that_asks(void **state)
{
	struct who who = {.mac = mac, .has_mac = true};

	put_file("scripts/debian.ipxe", "#!ipxe\nkernel k ${pixie-done}\n");
	put_file("scripts/notes.txt", "${pixie-done}");
	boots();
	assert_string_equal(get("ipxe/debian.ipxe"), "#!ipxe\nkernel k ${pixie-done}\n");
	asked.who = &who;
	assert_int_equal(strlen(token_in(get("ipxe/debian.ipxe"))), 32);
	assert_string_equal(get("ipxe/notes.txt"), "${pixie-done}");
	asked.who = NULL;
	asked.query = "mac=52-54-00-00-00-01";
	assert_int_equal(strlen(token_in(get("ipxe/debian.ipxe"))), 32);
}

static void
proxy_dhcp_looks_at_the_scripts_head(void **state)
{
	struct machine_names m = {.mac = mac};

	assert_int_equal(own_script_state(&site, &m), STATE_BOOT);
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: ignore\n");
	assert_int_equal(own_script_state(&site, &m), STATE_IGNORE);
	state_is(STATE_LOCAL);
	assert_int_equal(own_script_state(&site, &m), STATE_LOCAL);
}

/* By whichever of the names that DHCP tells it has a script, as the script is found. */
static void
proxy_dhcp_finds_the_script_by_uuid_too(void **state)
{
	static const char ignore[] = "#!ipxe\n# pixie: ignore\n";
	static const char uuid[] = "4c4c4544-0042-3510-8054-b4c04f4d4e31";
	struct machine_names m = {.mac = mac};

	m.has_uuid = uuid_parse(uuid, strlen(uuid), &m.uuid);
	put_file("scripts/default.ipxe", ignore);
	assert_int_equal(own_script_state(&site, &m), STATE_IGNORE);
	put_file("scripts/4C4C4544-0042-3510-8054-B4C04F4D4E31.ipxe", "#!ipxe\n");
	assert_int_equal(own_script_state(&site, &m), STATE_BOOT);
	m.uuid = uuid_swapped(&m.uuid);
	assert_int_equal(own_script_state(&site, &m), STATE_BOOT);
	m.has_uuid = false;
	assert_int_equal(own_script_state(&site, &m), STATE_IGNORE);
	m.has_uuid = true;
	put_file("scripts/default.ipxe", "#!ipxe\n");
	put_file("scripts/4C4C4544-0042-3510-8054-B4C04F4D4E31.ipxe", ignore);
	assert_int_equal(own_script_state(&site, &m), STATE_IGNORE);
	put_file("scripts/" FILE_NAME, "#!ipxe\n");
	assert_int_equal(own_script_state(&site, &m), STATE_BOOT);
}

/* Asks for it again and again; how many lines of the log hold `what`. */
static unsigned
lines_of(const char *name, unsigned times, const char *what)
{
	char line[512];
	FILE *log = tmpfile();
	int before = dup(STDERR_FILENO);
	unsigned n = 0;

	log_init(LEVEL_INFO);
	dup2(fileno(log), STDERR_FILENO);
	while (times-- > 0)
		get(name);
	script_log_end();
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(log);
	while (fgets(line, sizeof(line), log) != NULL)
		n += strstr(line, what) != NULL;
	fclose(log);
	return n;
}

static void
a_broken_script_does_not_fill_the_log(void **state)
{
	put_file("scripts/" FILE_NAME, "#!ipxe\n# pixie: onse\n");
	assert_in_range(lines_of(NAME, 3000, " script-state word=onse"), 400, 2500);
	assert_in_range(lines_of(NAME, 3000, " script-flood lines-left-out="), 1, 20);
	put_file("scripts/other.ipxe", "#!ipxe\n${pixie-done}\n");
	asked.who = NULL;
	assert_in_range(lines_of("ipxe/other.ipxe", 3000, " script-done "), 0, 2500);
}

static void
pixies_own_files_are_served_to_nobody(void **state)
{
	static const char *const names[] = {"ipxe/.pixie.db", "ipxe/.pixie.db-wal",
		"ipxe/.PIXIE.db", ".pixie.db", "extra/.pixie.db", "ipxe/sub/.pixie.db"};

	site.extra = site.scripts;
	put_file("scripts/.pixie.db", "tokens");
	put_file("scripts/.pixie.db-wal", "tokens");
	put_dir("scripts/sub");
	put_file("scripts/sub/.pixie.db", "tokens");
	for (size_t i = 0; i < COUNT(names); i++)
		assert_non_null(strstr(get(names[i]), "a file of pixie's own"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_state_gives_its_own),
		T(local_needs_no_script),
		T(once_is_one_boot),
		T(once_counts_again_after_a_boot_without),
		T(once_without_dhcp),
		T(head_and_browsers_use_nothing_up),
		T(state_set_by_somebody_wins_over_the_script),
		T(default_script_may_say_it_for_every_machine),
		T(menu_does_not_come_before_the_local_disk),
		T(menu_comes_again_only_in_the_boot_of_the_once),
		T(done_is_filled_in_for_each_boot),
		T(done_ends_the_once),
		T(done_in_a_shared_script_is_of_the_machine_that_asks),
		T(proxy_dhcp_looks_at_the_scripts_head),
		T(proxy_dhcp_finds_the_script_by_uuid_too),
		T(a_broken_script_does_not_fill_the_log),
		T(pixies_own_files_are_served_to_nobody),
	};

	return cmocka_run_group_tests_name("own_script", tests, NULL, NULL);
}
