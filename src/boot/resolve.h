/*
 * From a name somebody asked for to what they get. TFTP and HTTP both ask here,
 * so that they serve the same names:
 *
 *	undionly.kpxe, snponly64.efi, …   ROMs: --roms DIR, then the embedded ones
 *	chain.ipxe, autoexec.ipxe         DIR/…, then the built-in menu
 *	ipxe/NAME                         the script directory; a machine's script
 *	                                  also by UUID, serial and default.ipxe
 *	extra/NAME                        the extra directory
 *	NAME                              anything else: the extra directory too
 *	                                  (Raspberry Pi, U-Boot, PXELINUX, GRUB)
 *
 * No name that has a part beginning with ".pixie" is served: pixie's own files are
 * called so (the state beside the scripts).
 *
 * A file is looked at each time it is asked for; see boot/shelf.h for what is kept.
 */
#ifndef PIXIE_BOOT_RESOLVE_H
#define PIXIE_BOOT_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/netaddr.h"
#include "boot/content.h"
#include "boot/identify.h"

struct registry;
struct store;

/* What this server serves. Made once at start, read only after that. */
struct site {
	const char *scripts; /* directory, never NULL */
	const char *extra;   /* directory or NULL */
	const char *roms;    /* directory or NULL */
	/* For addresses written into scripts: */
	struct netaddr http;       /* where HTTP listens; its host may be a wildcard */
	struct netaddr advertise;  /* --advertise; port 0: HTTP's. Family 0: none */
	/* Of the machines and their states; NULL: none is kept, every one is `boot`. */
	struct registry *registry;
	struct store *store; /* where states are kept; NULL: memory only */
};

#define NAME_MAX_BYTES 1024

enum purpose {
	FOR_BOOT,    /* a machine that takes what it gets */
	FOR_PROBE,   /* HEAD: what it would get, and nothing is used up */
	FOR_READING, /* a person with a browser: the files as they are */
};

struct asked {
	const char *name; /* as it came, %-decoded by HTTP; may hold any byte */
	size_t len;
	const char *query; /* the part after '?' still %-encoded, "" without */
	/*
	 * The address of ours that the client reached. `over_http`: with the port,
	 * as in Host: when that is a literal, else the socket's. TFTP: port unused.
	 */
	struct netaddr reached;
	bool over_http;
	enum purpose purpose;
	const struct who *who;      /* who asks, as far as identify() knows; or NULL */
	const struct netaddr *peer; /* and from where; or NULL */
};

enum resolved {
	RESOLVED_CONTENT,
	RESOLVED_DIRECTORY, /* HTTP lists it, TFTP refuses it */
	RESOLVED_NOT_FOUND, /* TFTP error 1, HTTP 404 */
	RESOLVED_DENIED,    /* permission: TFTP error 2, HTTP 403 */
	RESOLVED_BAD_NAME,  /* a name nobody honest sends: TFTP error 2, HTTP 400 */
	RESOLVED_BUSY,      /* no descriptor or memory for now: TFTP silence, HTTP 503 */
	RESOLVED_FAILED,    /* our trouble (I/O error): TFTP 0, HTTP 500 */
};

struct resolution {
	enum resolved kind;
	struct content *content; /* RESOLVED_CONTENT: the caller's reference */
	int dir; /* RESOLVED_DIRECTORY: an O_DIRECTORY descriptor, the caller's */
	char name[NAME_MAX_BYTES]; /* the name made canonical: no leading or double slash
				    */
	/*
	 * What was served when it is not `name` ("default.ipxe"), else empty.
	 * For every kind but content and directory: why, in words for a person.
	 */
	char note[512];
};

/* Fills `*r`; never fails otherwise than by a kind. Thread safe. */
void resolve(const struct site *site, const struct asked *asked, struct resolution *r);
/* Drops what the resolution still owns (content, directory). */
void resolution_done(struct resolution *r);

#endif
