#include "boot/script_state.h"

#include "unit.h"

static enum machine_state
state_of(const char *text, const char **wrong)
{
	size_t n;

	return script_state(text, strlen(text), wrong, &n);
}

static void
first_such_line_counts(void **state)
{
	static const struct {
		const char *text;
		enum machine_state want;
	} rows[] = {
		{"", STATE_BOOT},
		{"#!ipxe\n", STATE_BOOT},
		{"#!ipxe\n# pixie: once\nboot\n", STATE_ONCE},
		{"#!ipxe\n# pixie: local\n", STATE_LOCAL},
		{"#!ipxe\n# pixie: ignore\n", STATE_IGNORE},
		{"#!ipxe\n# pixie: boot\n# pixie: once\n", STATE_BOOT},
		{"#!ipxe\n# pixie: once\n# pixie: local\n", STATE_ONCE},
		/* However it is written. */
		{"#!ipxe\r\n# pixie: once\r\nboot\r\n", STATE_ONCE},
		{"#!ipxe\n#pixie:once", STATE_ONCE},
		{"#!ipxe\n  #\tPixie :\tOnce   \n", STATE_ONCE},
		{"#!ipxe\n# pixie: once (Debian 12)\n", STATE_ONCE},
		{"#!ipxe\n\n\n# the web server\n# pixie: local\n", STATE_LOCAL},
		{"# pixie: once", STATE_ONCE},
		/* What is none. */
		{"#!ipxe\necho # pixie: once\n", STATE_BOOT},
		{"#!ipxe\n# pixies: once\n", STATE_BOOT},
		{"#!ipxe\n# pixie once\n", STATE_BOOT},
		{"#!ipxe\npixie: once\n", STATE_BOOT},
	};
	const char *wrong;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (state_of(rows[i].text, &wrong) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].text);
		assert_null(wrong);
	}
}

static void
wrong_word_is_shown_and_means_boot(void **state)
{
	const char *text = "#!ipxe\n# pixie: onse now\n", *wrong;
	size_t n = 0;

	assert_int_equal(script_state(text, strlen(text), &wrong, &n), STATE_BOOT);
	assert_int_equal(n, 4);
	assert_memory_equal(wrong, "onse", 4);
	text = "# pixie:";
	assert_int_equal(script_state(text, strlen(text), &wrong, &n), STATE_BOOT);
	assert_non_null(wrong);
	assert_int_equal(n, 0);
}

static void
only_the_head_counts(void **state)
{
	char text[SCRIPT_STATE_BYTES + 64] = "";
	const char *wrong;

	for (int i = 0; i < SCRIPT_STATE_LINES; i++)
		strcat(text, "\n");
	strcat(text, "# pixie: once\n");
	assert_int_equal(state_of(text, &wrong), STATE_BOOT);
	assert_int_equal(state_of(text + 1, &wrong), STATE_ONCE);
	memset(text, 'x', SCRIPT_STATE_BYTES);
	strcpy(text + SCRIPT_STATE_BYTES, "\n# pixie: once\n");
	assert_int_equal(state_of(text, &wrong), STATE_BOOT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_such_line_counts),
		cmocka_unit_test(wrong_word_is_shown_and_means_boot),
		cmocka_unit_test(only_the_head_counts),
	};

	return cmocka_run_group_tests_name("script_state", tests, NULL, NULL);
}
