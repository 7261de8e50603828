/*
 * What TFTP and HTTP tell the registry of whoever asks: the address, the MAC that the
 * neighbour table or the name has, and what iPXE says of itself in a query.
 */
#ifndef PIXIE_BOOT_TELL_H
#define PIXIE_BOOT_TELL_H

#include "boot/identify.h"
#include "machine/registry.h"

/* A sighting, and room for the texts it borrows. */
struct teller {
	struct sighting who;
	char firmware[64], vendor[48], product[64], serial[64];
	bool by_menu; /* the query holds the MAC: nobody else writes that */
};

/* `who` is of identify() and identify_by_name(); `peer`: where from. */
void teller_init(struct teller *t, const struct who *who, const struct netaddr *peer);
/*
 * What our menu and autoexec.ipxe write behind the names they ask for: mac, uuid,
 * serial, manufacturer, product, buildarch, platform, version. Any may be absent or
 * empty; iPXEs before 1.0 do not know all of them.
 */
void teller_query(struct teller *t, const char *query);

#endif
