#include "boot/tell.h"

#include <stdio.h>
#include <string.h>

#include "boot/name.h"

void
teller_init(struct teller *t, const struct who *who, const struct netaddr *peer)
{
	t->who = SIGHTING_NONE;
	t->who.mac = who->mac;
	t->who.has_mac = who->has_mac;
	t->who.mac_in_name = who->by_name;
	t->who.addr = *peer;
	t->by_menu = false;
}

/* Option 93 of the machine an iPXE runs on, by its ${buildarch} and ${platform}. */
static int16_t
arch_of(const char *build, const char *platform)
{
	static const struct {
		const char *build;
		int16_t arch;
	} rows[] = {{"x86_64", 7}, {"i386", 6}, {"arm64", 11}, {"arm32", 10},
		{"riscv32", 25}, {"riscv64", 27}, {"loong64", 39}};

	if (strcmp(platform, "pcbios") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].build, build) == 0)
			return rows[i].arch;
	return -1;
}

static const char *
text_of(const char *query, const char *key, char *buf, size_t cap)
{
	return name_text_from_query(query, key, buf, cap) ? buf : NULL;
}

static void
who_in_query(struct teller *t, const char *query)
{
	char text[64];

	if (name_text_from_query(query, "mac", text, sizeof(text)) &&
		mac_parse(text, strlen(text), &t->who.mac))
		t->who.has_mac = t->who.mac_in_name = t->by_menu = true;
	if (name_text_from_query(query, "uuid", text, sizeof(text)))
		t->who.has_uuid = uuid_parse(text, strlen(text), &t->who.uuid);
}

void
teller_query(struct teller *t, const char *query)
{
	char version[56], build[16] = "", platform[16] = "";

	if (query == NULL || *query == '\0')
		return;
	who_in_query(t, query);
	if (name_text_from_query(query, "version", version, sizeof(version))) {
		snprintf(t->firmware, sizeof(t->firmware), "iPXE %s", version);
		t->who.firmware = t->firmware;
	}
	name_text_from_query(query, "buildarch", build, sizeof(build));
	if (name_text_from_query(query, "platform", platform, sizeof(platform)) && *build)
		t->who.arch = arch_of(build, platform);
	t->who.vendor = text_of(query, "manufacturer", t->vendor, sizeof(t->vendor));
	t->who.product = text_of(query, "product", t->product, sizeof(t->product));
	t->who.serial = text_of(query, "serial", t->serial, sizeof(t->serial));
}
