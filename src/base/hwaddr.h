/* Names of machines: MAC addresses and UUIDs, in the many spellings firmware uses. */
#ifndef PIXIE_BASE_HWADDR_H
#define PIXIE_BASE_HWADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mac {
	uint8_t b[6];
};

struct uuid {
	uint8_t b[16]; /* in the order it is written, not in SMBIOS order */
};

static inline bool
mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Not broadcast, multicast or nobody, which no card has. */
static inline bool
mac_is_of_a_card(const struct mac *mac)
{
	return !(mac->b[0] & 1) && !mac_equal(mac, &(struct mac){0});
}

/* What boards say that have none. */
static inline bool
uuid_is_nil(const struct uuid *u)
{
	return memcmp(u, &(struct uuid){0}, sizeof(*u)) == 0;
}

#define MAC_TEXT 18
#define UUID_TEXT 37

/*
 * Parses exactly `len` characters: 12 hex digits in any case, alone or in pairs
 * separated by one of ':', '-', '.', or in fours as in 0011.2233.4455.
 */
bool mac_parse(const char *text, size_t len, struct mac *out);
/* "00-11-22-33-44-55", the form of iPXE's ${mac:hexhyp}; returns `buf`. */
const char *mac_text(const struct mac *mac, char buf[static MAC_TEXT]);

/* Parses 32 hex digits in any case with or without hyphens, braces allowed. */
bool uuid_parse(const char *text, size_t len, struct uuid *out);
/* "00112233-4455-6677-8899-aabbccddeeff"; returns `buf`. */
const char *uuid_text(const struct uuid *uuid, char buf[static UUID_TEXT]);
/*
 * The other spelling: RFC 4578 has option 97 in the order a UUID is written; SMBIOS has
 * the first three fields the other way round, and firmware copies that, while iPXE
 * writes it right.
 */
struct uuid uuid_swapped(const struct uuid *uuid);

#endif
