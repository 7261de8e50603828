#include "unit.h"

#include "conf/conf.h"

static char err[256];

#define READ(c, ...)                                                                     \
	conf_read(c, (int)COUNT(((const char *[]){__VA_ARGS__})),                        \
		(const char *[]){__VA_ARGS__}, err, sizeof(err))

static void
clear_environment(void)
{
	static const char *const names[] = {"TFTP", "HTTP", "SCRIPTS", "EXTRA", "LEVEL"};

	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
}

static void
defaults_are_the_originals(void **state)
{
	struct conf c;

	clear_environment();
	assert_true(conf_read(&c, 0, NULL, err, sizeof(err)));
	assert_string_equal(c.tftp, "0.0.0.0:69");
	assert_string_equal(c.http, "0.0.0.0:80");
	assert_string_equal(c.scripts, "");
	assert_string_equal(c.extra, "");
	assert_string_equal(c.verbosity, "INFO");
	assert_false(c.tftp_single_port);
}

/* go-arg took one dash or two, a blank or '=', for letters and words alike. */
static void
every_spelling_the_original_took(void **state)
{
	struct conf c;

	clear_environment();
	assert_true(READ(
		&c, "-t", ":1", "-u=:2", "--scripts", "s", "--extra=e", "-v", "DEBUG"));
	assert_string_equal(c.tftp, ":1");
	assert_string_equal(c.http, ":2");
	assert_string_equal(c.scripts, "s");
	assert_string_equal(c.extra, "e");
	assert_string_equal(c.verbosity, "DEBUG");
	assert_true(READ(&c, "-tftp", ":3", "-http=:4", "--d", "x"));
	assert_string_equal(c.tftp, ":3");
	assert_string_equal(c.http, ":4");
	assert_string_equal(c.scripts, "x");
}

/* The value stands behind '=' only: the next word is the next option. */
static void
an_option_that_may_have_a_value(void **state)
{
	struct conf c;

	clear_environment();
	assert_true(READ(&c, "-d", "s"));
	assert_string_equal(c.proxy_dhcp, "");
	assert_true(READ(&c, "--proxy-dhcp", "-d", "s"));
	assert_true(conf_is_plain_on(c.proxy_dhcp));
	assert_string_equal(c.scripts, "s");
	assert_true(READ(&c, "-d", "s", "-proxy-dhcp=eth1,eth2"));
	assert_string_equal(c.proxy_dhcp, "eth1,eth2");
	assert_true(conf_is_on(c.proxy_dhcp));
	assert_false(conf_is_plain_on(c.proxy_dhcp));
	setenv("PROXY_DHCP", "no", 1);
	assert_true(READ(&c, "-d", "s"));
	assert_false(conf_is_on(c.proxy_dhcp));
	setenv("PROXY_DHCP", "eth3", 1);
	assert_true(READ(&c, "-d", "s"));
	assert_string_equal(c.proxy_dhcp, "eth3");
	assert_true(READ(&c, "-d", "s", "--proxy-dhcp=off"));
	assert_false(conf_is_on(c.proxy_dhcp));
	unsetenv("PROXY_DHCP");
}

static void
arguments_win_over_the_environment(void **state)
{
	struct conf c;

	clear_environment();
	setenv("TFTP", ":6969", 1);
	setenv("LEVEL", "ERROR", 1);
	setenv("TFTP_SINGLE_PORT", "1", 1);
	assert_true(READ(&c, "-t", ":70"));
	assert_string_equal(c.tftp, ":70");
	assert_string_equal(c.verbosity, "ERROR");
	assert_true(c.tftp_single_port);
	setenv("TFTP_SINGLE_PORT", "false", 1);
	assert_true(READ(&c, "-v", "INFO"));
	assert_string_equal(c.tftp, ":6969");
	assert_false(c.tftp_single_port);
	unsetenv("TFTP_SINGLE_PORT");
	clear_environment();
}

static void
mistakes_are_named(void **state)
{
	struct conf c;

	assert_false(READ(&c, "--nonsense"));
	assert_non_null(strstr(err, "--nonsense: no such option"));
	assert_false(READ(&c, "-t"));
	assert_non_null(strstr(err, "-t: needs a value"));
	assert_false(READ(&c, "file"));
	assert_non_null(strstr(err, "file: no such command, and not an option"));
	assert_false(READ(&c, "--tftp-single-port=maybe"));
	assert_non_null(strstr(err, "--tftp-single-port=maybe: is on or off"));
	setenv("TFTP_SINGLE_PORT", "flase", 1);
	assert_false(READ(&c, "-v", "INFO"));
	assert_non_null(strstr(err, "TFTP_SINGLE_PORT: is on or off"));
	unsetenv("TFTP_SINGLE_PORT");
	assert_false(READ(&c, "---tftp", ":1"));
	assert_false(READ(&c, "--"));
	assert_false(READ(&c, "-"));
}

/* --help and the man page come from the same table: every option is in both. */
static void
help_and_man_name_every_option(void **state)
{
	static const char *const names[] = {
#define OPT(kind, field, letter, name, ...) name,
#include "conf/conf.def"
#undef OPT
	};
	char *help = NULL, *man = NULL;
	size_t n;
	FILE *out = open_memstream(&help, &n);

	conf_help(out);
	fclose(out);
	out = open_memstream(&man, &n);
	conf_man(out);
	fclose(out);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_non_null(strstr(help, names[i]));
		assert_non_null(strstr(man, names[i]));
	}
	for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
	free(help);
	free(man);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_originals),
		cmocka_unit_test(every_spelling_the_original_took),
		cmocka_unit_test(an_option_that_may_have_a_value),
		cmocka_unit_test(arguments_win_over_the_environment),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(help_and_man_name_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
