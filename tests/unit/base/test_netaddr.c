#include "unit.h"

#include "base/netaddr.h"

static void
where_to_listen(void **state)
{
	static const struct {
		const char *text;
		int n;
		const char *first;
	} table[] = {
		{"127.0.0.1:69", 1, "127.0.0.1:69"},
		{"[::1]:80", 1, "[::1]:80"},
		{":8080", 2, "0.0.0.0:8080"},
		{"0.0.0.0:69", 2, "0.0.0.0:69"},
		{"[::]:69", 2, "0.0.0.0:69"},
		{"127.0.0.1", 0, NULL},
		{"127.0.0.1:", 0, NULL},
		{"127.0.0.1:0", 0, NULL},
		{"127.0.0.1:65536", 0, NULL},
		{"127.0.0.1:6x", 0, NULL},
		{"127.0.0.1:-1", 0, NULL},
		{"localhost:69", 0, NULL},
		{"::1:80", 0, NULL},
		{"[::1]", 0, NULL},
		{"", 0, NULL},
		{"[]:80", 0, NULL},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct netaddr at[2];
		char buf[NETADDR_TEXT];
		const char *why;

		print_message("# '%s'\n", table[i].text);
		assert_int_equal(
			netaddr_parse_listen(table[i].text, at, &why), table[i].n);
		if (table[i].n > 0)
			assert_string_equal(netaddr_text(&at[0], buf), table[i].first);
		else
			assert_true(strlen(why) > 10);
		if (table[i].n == 2)
			assert_int_equal(at[1].sa.sa_family, AF_INET6);
	}
}

static struct netaddr
addr(const char *text)
{
	struct netaddr at[2];
	const char *why;

	assert_int_equal(netaddr_parse_listen(text, at, &why), 1);
	return at[0];
}

static void
equal_is_host_and_port(void **state)
{
	struct netaddr a = addr("192.0.2.1:69"), b = addr("192.0.2.1:70"),
		       c = addr("192.0.2.2:69"), d = addr("[2001:db8::1]:69");

	assert_true(netaddr_equal(&a, &a));
	assert_int_equal(netaddr_hash(&a), netaddr_hash(&a));
	assert_false(netaddr_equal(&a, &b));
	assert_true(netaddr_same_host(&a, &b));
	assert_false(netaddr_equal(&a, &c));
	assert_false(netaddr_equal(&a, &d));
	assert_int_not_equal(netaddr_hash(&a), netaddr_hash(&b));
	assert_int_not_equal(netaddr_hash(&a), netaddr_hash(&c));
}

static void
literal_hosts(void **state)
{
	struct netaddr a;
	char buf[NETADDR_TEXT];

	assert_true(netaddr_parse_host("192.0.2.1", &a));
	assert_string_equal(netaddr_host(&a, buf), "192.0.2.1");
	assert_true(netaddr_parse_host("[2001:db8::1]", &a));
	assert_string_equal(netaddr_host(&a, buf), "2001:db8::1");
	assert_false(netaddr_parse_host("example.org", &a));
	assert_false(netaddr_parse_host("", &a));
	assert_false(netaddr_parse_host("192.0.2.1:80", &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_to_listen),
		cmocka_unit_test(equal_is_host_and_port),
		cmocka_unit_test(literal_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
