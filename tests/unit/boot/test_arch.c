#include "unit.h"

#include "assets/asset.h"
#include "boot/arch.h"

/* What pixie offers it also serves, or says how the slot is filled. */
static void
every_rom_has_a_name_in_the_table(void **state)
{
	for (size_t i = 0; i < archs_count; i++)
		if (archs[i].rom != NULL)
			assert_non_null(rom_find(archs[i].rom));
}

/* IANA's "Processor Architecture Types", as the README promises them. */
static void
all_the_numbers_and_no_others(void **state)
{
	static const uint16_t numbers[] = {0, 6, 7, 9, 10, 11, 15, 16, 17, 18, 19, 20, 21,
		22, 23, 24, 25, 26, 27, 28, 37, 38, 39, 40, 41};

	assert_int_equal(archs_count, COUNT(numbers));
	for (size_t i = 0; i < COUNT(numbers); i++) {
		assert_non_null(arch_find(numbers[i]));
		assert_int_equal(arch_find(numbers[i])->number, numbers[i]);
	}
	assert_null(arch_find(1));
	assert_null(arch_find(65535));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rom_has_a_name_in_the_table),
		cmocka_unit_test(all_the_numbers_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
