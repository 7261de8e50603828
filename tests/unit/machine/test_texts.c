/* Strings kept once: shared while somebody has them, gone when nobody has. */
#include "unit.h"

#include "machine/texts.h"

static void
test_kept_once(void **state)
{
	struct texts *x = malloc(sizeof(*x));
	const char *a, *b, *c;
	size_t one;

	(void)state;
	texts_init(x, 7);
	a = texts_keep(x, "snponly64.efi", 256);
	one = x->bytes;
	b = texts_keep(x, "snponly64.efi of another", strlen("snponly64.efi"));
	assert_string_equal(a, "snponly64.efi");
	assert_ptr_equal(a, b);
	assert_int_equal(x->bytes, one);
	/* The begin of another is another. */
	c = texts_keep(x, "snponly64.efi", 7);
	assert_string_equal(c, "snponly");
	texts_drop(x, a);
	assert_string_equal(b, "snponly64.efi");
	texts_drop(x, b);
	texts_drop(x, c);
	assert_int_equal(x->bytes, 0);
	free(x);
}

static void
test_nothing_is_null(void **state)
{
	struct texts *x = malloc(sizeof(*x));

	(void)state;
	texts_init(x, 7);
	assert_null(texts_keep(x, NULL, 9));
	assert_null(texts_keep(x, "", 9));
	assert_null(texts_keep(x, "cut to nothing", 0));
	texts_drop(x, NULL);
	assert_int_equal(x->bytes, 0);
	free(x);
}

static void
test_set(void **state)
{
	struct texts *x = malloc(sizeof(*x));
	const char *at = NULL;

	(void)state;
	texts_init(x, 7);
	texts_set(x, &at, "first", 9);
	texts_set(x, &at, "first", 9);
	assert_string_equal(at, "first");
	/* What is set may be the one that is dropped by it. */
	texts_set(x, &at, at + 1, 9);
	assert_string_equal(at, "irst");
	texts_set(x, &at, NULL, 9);
	assert_null(at);
	assert_int_equal(x->bytes, 0);
	free(x);
}

/* More than there are lists: those that share one are told apart, in any order. */
static void
test_many(void **state)
{
	enum { MANY = 3 * TEXTS_LISTS };
	struct texts *x = malloc(sizeof(*x));
	const char **kept = malloc(MANY * sizeof(*kept));
	char text[16];

	(void)state;
	texts_init(x, 7);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "serial %d", i);
		kept[i] = texts_keep(x, text, sizeof(text));
	}
	for (int i = 0; i < MANY; i += 2)
		texts_drop(x, kept[i]);
	for (int i = 1; i < MANY; i += 2) {
		snprintf(text, sizeof(text), "serial %d", i);
		assert_string_equal(kept[i], text);
		assert_ptr_equal(texts_keep(x, text, sizeof(text)), kept[i]);
	}
	texts_deinit(x); /* with all of them in use */
	assert_int_equal(x->bytes, 0);
	free(kept);
	free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_once),
		cmocka_unit_test(test_nothing_is_null),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
