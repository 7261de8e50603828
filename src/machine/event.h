/*
 * One event of a boot's story: what a server saw or did, once, as it happened. The
 * log, the page, metrics, the store and the verdict are readers of these.
 */
#ifndef PIXIE_MACHINE_EVENT_H
#define PIXIE_MACHINE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hwaddr.h"
#include "base/netaddr.h"

/*
 * EVENT(symbol, word, is it part of the machine's boot): the word is the kind in the
 * API, in metrics and in the store. Words are for ever.
 */
#define EVENT_KINDS(EVENT)                                                               \
	/* proxyDHCP */                                                                  \
	EVENT(DISCOVER, "discover",                                                      \
		true)                 /* it asks what to boot; `arch`, `text` = class */ \
	EVENT(OFFER, "offer", true)   /* we named `name`; `text` = strategy */           \
	EVENT(SILENT, "silent", true) /* we said nothing; `text` = why */                \
	EVENT(ACK, "ack", true)       /* port 4011 asked and was told `name` */          \
	EVENT(OTHER_OFFER, "other-offer",                                                \
		true) /* DHCP server `text` offered it `name` */                         \
	/* TFTP and HTTP */                                                              \
	EVENT(ASKED, "asked", true) /* RRQ or GET of `name`; `total` its size */         \
	EVENT(PROBED, "probed",                                                          \
		true)             /* only the size was asked (tsize + ERROR 8, HEAD) */  \
	EVENT(SENT, "sent", true) /* whole: `bytes`, `ms`, `resent` packets */           \
	EVENT(FAILED, "failed", true)   /* cut at `bytes` of `total`; `text` = why */    \
	EVENT(MISSING, "missing", true) /* no such `name`; `text` = what was tried */    \
	EVENT(REFUSED, "refused", true) /* denied or bad; `text` = why, `status` */      \
	/* what the names mean */                                                        \
	EVENT(SCRIPT, "script", true) /* its script was served: `name` is the file */    \
	EVENT(LOCAL, "local", true)   /* it was told to boot its local disk */           \
	/* state */                                                                      \
	EVENT(STATE, "state",                                                            \
		false) /* now `name` (boot, once, local, ignore), by `text` */           \
	EVENT(DONE, "done",                                                              \
		true) /* an installer reported: ${pixie-done}; `name` = its state */     \
	EVENT(BOOT, "boot", true)       /* a boot begins; the first event of each */     \
	EVENT(VERDICT, "verdict", true) /* `name` = code, `text` = words */              \
	EVENT(STALLED, "stalled", true) /* a transfer stands at `bytes` of `total` */    \
	EVENT(SERVER, "server", false)  /* about us: started, store trouble; no machine  \
					 */

enum event_kind {
#define EVENT(symbol, word, boots) EV_##symbol,
	EVENT_KINDS(EVENT)
#undef EVENT
		EVENT_KIND_COUNT
};

const char *event_kind_text(enum event_kind kind);
bool event_kind_boots(enum event_kind kind);

enum transport { VIA_NONE, VIA_DHCP, VIA_TFTP, VIA_HTTP };

const char *transport_text(enum transport via); /* "", "dhcp", "tftp", "http" */

/*
 * As told by a server and as read from the ring. Strings are borrowed: of the teller
 * while telling, of the reader's buffer while reading. NULL is none.
 */
struct event {
	uint64_t seq;    /* set by the timeline: 1, 2, …; never reused in a process */
	int64_t wall_ms; /* set by the timeline: milliseconds since 1970 */
	struct mac mac;  /* set by the registry: the machine's first MAC, zero: none */
	struct netaddr addr; /* set by the registry: its address then, family 0 unknown */
	uint32_t boot;       /* set by the registry: 1, 2, … of that machine; 0 none */
	enum event_kind kind;
	enum transport via;
	int16_t arch;          /* option 93, -1 unknown */
	uint16_t status;       /* HTTP status or TFTP error code, 0 none */
	uint32_t ms;           /* how long it took */
	uint32_t resent;       /* packets sent again */
	uint32_t packets;      /* of `bytes`, each counted once; 0 not known */
	uint64_t bytes, total; /* total 0: not known */
	const char *name, *text;
	bool by_menu; /* told with EV_ASKED, and not kept: our menu asks */
};

#endif
