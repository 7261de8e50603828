/* Names and queries from the network: what comes out can neither leave nor lie. */
#include <stdlib.h>
#include <string.h>

#include "boot/machine_script.h"
#include "boot/name.h"
#include "boot/tell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check_clean(const char *name)
{
	char again[NAME_MAX_BYTES];
	const char *why;

	require(strlen(name) < NAME_MAX_BYTES);
	require(*name != '/' && strstr(name, "//") == NULL && strchr(name, '\\') == NULL);
	require(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0);
	require(strstr(name, "/../") == NULL);
	/* Canonical: cleaning it once more changes nothing. */
	require(name_clean(name, strlen(name), again, &why) && strcmp(name, again) == 0);
}

static void
check_text(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void
check_teller(const char *query)
{
	static const struct who nobody;
	static const struct netaddr nowhere;
	struct teller t;

	teller_init(&t, &nobody, &nowhere);
	teller_query(&t, query);
	require(t.who.has_mac == t.who.mac_in_name);
	require(t.who.arch >= -1);
	check_text(t.who.firmware);
	check_text(t.who.vendor);
	check_text(t.who.product);
	check_text(t.who.serial);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[NAME_MAX_BYTES], value[64], tried[512], *query;
	struct machine_names m;
	const char *why = NULL;

	if (name_clean((const char *)data, size, name, &why))
		check_clean(name);
	else
		require(why != NULL);
	query = malloc(size + 1);
	memcpy(query, data, size);
	query[size] = '\0';
	if (name_from_query(query, "serial", value, sizeof(value)))
		require(*value != '\0' && strchr(value, '/') == NULL);
	if (machine_names_from("00-11-22-33-44-55.ipxe", query, &m))
		machine_script_tried(&m, tried, sizeof(tried));
	check_teller(query);
	free(query);
	return 0;
}
