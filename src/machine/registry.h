/*
 * Every machine that has spoken to us, keyed by MAC, and the story of its boots.
 * Servers tell what they saw; readers (API, page, explain, metrics, store) look. One
 * lock, held for microseconds; touched once a request or event, never once a packet.
 * Knows no socket and no file. The clock is given to it, so that tests own time.
 */
#ifndef PIXIE_MACHINE_REGISTRY_H
#define PIXIE_MACHINE_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"
#include "machine/event.h"

/* The four states of a machine; the words are those of the API and `# pixie:`. */
enum machine_state {
	STATE_BOOT,   /* its script, always; the default */
	STATE_ONCE,   /* its script in one boot, then its local disk */
	STATE_LOCAL,  /* told to boot its local disk: never silence */
	STATE_IGNORE, /* not answered by proxyDHCP, no script */
	STATE_COUNT
};
const char *machine_state_text(enum machine_state state);
bool machine_state_parse(const char *text, size_t len, enum machine_state *out);

struct registry;

struct registry_config {
	unsigned machines_max; /* 0: 16384; the one silent for longest makes room. Its
				  state stays known: machine/states.h */
	size_t timeline_bytes; /* of the ring; 0: 16 MiB */
	/* Both clocks; NULL: the system's. */
	struct mono (*now)(void *arg);
	int64_t (*wall_ms)(void *arg);
	void *clock_arg;
};

struct registry *registry_new(const struct registry_config *config); /* NULL: no memory */
void registry_free(struct registry *r);

/* What the teller knows of who it was; the rest zero, arch -1. Strings borrowed. */
struct sighting {
	struct mac mac;
	bool has_mac;
	bool mac_in_name; /* the MAC stood in what it sent (name, query): strongest */
	bool by_dhcp;     /* a DHCP packet: `mac` is its own, `addr` what it was given */
	struct netaddr addr; /* family 0: unknown; the port does not count */
	struct uuid uuid;
	bool has_uuid;
	int16_t arch;
	const char
		*firmware; /* "BIOS", "UEFI", "UEFI HTTP", "iPXE 1.21.1+", "U-Boot", … */
	const char *vendor, *product, *serial;
};
#define SIGHTING_NONE ((struct sighting){.arch = -1})

/*
 * Tells one event. The machine is found by, in this order: the MAC in the name, the
 * proxyDHCP's word (an address it gave a MAC to), the teller's MAC (neighbour table),
 * the address; or is made. Never fails: an event for which there is no room (a flood
 * of strangers) is dropped and counted. A NULL registry is fine and does nothing;
 * without `what` the machine is only noted, not made.
 */
void registry_tell(
	struct registry *r, const struct sighting *who, const struct event *what);

/*
 * A transfer under way: its bytes are an atomic that the engine writes without a
 * lock and readers sample. NULL registry or no memory gives NULL, which every
 * function takes.
 */
struct progress {
	_Atomic uint64_t bytes;
	uint64_t total;
};
/* Tells EV_ASKED and opens the progress. */
struct progress *registry_transfer_begin(
	struct registry *r, const struct sighting *who, const struct event *asked);
static inline void
progress_set(struct progress *p, uint64_t bytes)
{
	if (p != NULL)
		atomic_store_explicit(&p->bytes, bytes, memory_order_relaxed);
}
/* Tells how it ended (EV_SENT, EV_FAILED, EV_PROBED …) and frees `p`. NULL: nothing. */
void registry_transfer_end(
	struct registry *r, struct progress *p, const struct event *end);

/*
 * Makes verdicts of silence: call about once a second from one loop. Walks only
 * machines whose boot is open.
 */
void registry_tick(struct registry *r);

/* State */

/*
 * Sets it; `by` is "api", "page", "script", "once used", "done", … Makes the machine
 * known when it was not. Returns the state generation for store_when_durable().
 */
uint64_t registry_set_state(struct registry *r, const struct mac *mac,
	enum machine_state state, const char *by);
/*
 * Forgets the machine, its state included, and what the store has of it; also one that
 * is not in memory. The generation as above, 0: it is being sent something.
 */
uint64_t registry_forget(struct registry *r, const struct mac *mac);
/*
 * The machine asks for its menu or script: told before registry_state(), because it may
 * be the begin of the boot that the answer is for. Makes the machine known.
 */
void registry_asks(
	struct registry *r, const struct mac *mac, enum transport via, const char *name);
/*
 * What the machine is to be given now. For STATE_ONCE the first script fetched in a
 * boot uses it up: that boot still gets the script (iPXE asks again after errors), the
 * next boot is told local. `in_script`: the state a `# pixie:` line asks for, or
 * STATE_BOOT; a state set by somebody wins over it. Unknown machines: in_script.
 */
enum machine_state registry_state(
	struct registry *r, const struct mac *mac, enum machine_state in_script);
/*
 * The script was served: uses up a `once` (either kind); one that says `boot` makes the
 * next `once` in it count again.
 */
void registry_script_served(
	struct registry *r, const struct mac *mac, enum machine_state in_script);
/*
 * The token of this machine's present boot for ${pixie-done}: 32 hex digits, made
 * when first asked for. false: no such machine or no random numbers.
 */
#define DONE_TOKEN_TEXT 33
bool registry_done_token(
	struct registry *r, const struct mac *mac, char token[static DONE_TOKEN_TEXT]);
/* An installer called back. EV_DONE; a once machine is local from now on. false: no
 * boot has that token (or it was used by a boot that is no longer the last one). */
bool registry_done(struct registry *r, const char *token, size_t len);

/* Reading */

struct machine_view {
	struct mac mac; /* the first; all of them: */
	struct mac macs[8];
	unsigned n_macs;
	bool has_mac;   /* false: known by its address only */
	bool state_set; /* by somebody: wins over a script's `# pixie:` line */
	struct netaddr addr;
	struct uuid uuid;
	bool has_uuid;
	int16_t arch;
	enum machine_state state; /* the one that holds: see state_set */
	char state_by[24];        /* who set it; "script": its `# pixie:` line */
	bool once_used;           /* STATE_ONCE, and it has had its script */
	char firmware[64], vendor[48], product[64], serial[64];
	int64_t first_ms, last_ms; /* wall; 0: not seen, somebody set its state */
	/* The last boot; number 0: none yet. */
	uint32_t boot;
	int64_t boot_ms, boot_end_ms; /* end 0: goes on */
	char outcome[16];             /* running booted done local failed quiet */
	char verdict[40];             /* code, "" none yet */
	char verdict_text[256], next_step[256];
};

struct transfer_view {
	struct mac mac;
	struct netaddr addr;
	enum transport via;
	uint64_t bytes, total, rate; /* rate: bytes a second over the last second or so */
	int64_t began_ms;
	char name[128];
};

/* Copies of all machines, most recently seen first; malloc'ed, free() it. */
struct machine_view *registry_machines(struct registry *r, size_t *n);
/* By any of its MACs. */
bool registry_machine(
	struct registry *r, const struct mac *mac, struct machine_view *out);
bool registry_machine_at(
	struct registry *r, const struct netaddr *addr, struct machine_view *out);
/*
 * The same; else the one that had the address when it was last heard, before a restart
 * too. To be shown, not to be changed: the address may have gone to a machine that has
 * not spoken yet.
 */
bool registry_machine_last_at(
	struct registry *r, const struct netaddr *addr, struct machine_view *out);
/*
 * Of one that was forgotten for want of room: its state, and nothing else of `v` if that
 * has a MAC already. False: it has none.
 */
bool registry_kept(struct registry *r, const struct mac *mac, struct machine_view *v);
/* What is under way, of one machine or (NULL) of all; malloc'ed. */
struct transfer_view *registry_transfers(
	struct registry *r, const struct mac *mac, size_t *n);

/*
 * The ring. A cursor is the seq of the last event read (0: from the oldest there is).
 * Reads into `buf` (1 KiB at least, else one event may never fit) as many whole events
 * as fit, at most `max`; strings point into buf. Sets `*lost` to how many the reader
 * missed because the ring went round; of one machine (`only`): how many of its events at
 * most.
 */
size_t registry_events(struct registry *r, uint64_t *cursor, const struct mac *only,
	struct event *out, size_t max, char *buf, size_t cap, uint64_t *lost);
uint64_t registry_newest(struct registry *r); /* seq; 0: nothing yet */
/* The same for one machine that is known by its address only. */
size_t registry_events_at(struct registry *r, uint64_t *cursor,
	const struct netaddr *only, struct event *out, size_t max, char *buf, size_t cap,
	uint64_t *lost);
size_t registry_memory(struct registry *r); /* bytes held, for metrics */
/* How many machines there are, and transfers under way; without copying them. */
void registry_count(struct registry *r, size_t *machines, size_t *transfers);
struct tally *registry_tally(struct registry *r); /* machine/tally.h; never NULL */
uint64_t registry_dropped(struct registry *r);    /* events, for want of room */

/* For the store: what must be on disk. */
struct state_record {
	struct mac mac;
	enum machine_state state;
	bool state_set; /* by somebody; false: `state` is STATE_BOOT for want of a word */
	char by[24];
	bool once_used;
	uint32_t once_boot;          /* the boot that used it up */
	uint32_t boot;               /* the boot that the token is of */
	char token[DONE_TOKEN_TEXT]; /* "" none */
	bool done;
	bool forgotten; /* registry_forget(): what is stored of it is to go, before a
			   state that it has again is written */
};
/* Calls back (in any thread, no lock of ours held) when there is something to take. */
void registry_on_dirty(struct registry *r, void (*wake)(void *arg), void *arg);
/* Takes up to `max` changed records; `*generation`: all changes up to it are taken, 0:
 * there are more. */
size_t registry_take_dirty(
	struct registry *r, struct state_record *out, size_t max, uint64_t *generation);
/* Of the last change: what store_when_durable() is to wait for when it is not told. */
uint64_t registry_generation(struct registry *r);
/* They could not be written: to be taken again. */
void registry_put_back(struct registry *r, const struct state_record *records, size_t n);
/* Whatever is known is to be taken again: the disk has lost it. */
void registry_all_dirty(struct registry *r);
/*
 * The names of machines that have a state and are not in memory, up to `max`: cards and
 * UUID, nothing else of a view. `*at` is 0 to begin with. Fewer than `max`: that was all.
 */
size_t registry_kept_names(
	struct registry *r, uint32_t *at, struct machine_view *out, size_t max);
size_t registry_states(struct registry *r); /* how many cards have one */
/* At start: what the store remembered. Later tellings win. */
void registry_restore(struct registry *r, const struct state_record *record);
void registry_restore_machine(struct registry *r, const struct machine_view *view);
/* The other cards and the UUID of one with a state, known as a machine again or not. */
void registry_restore_names(struct registry *r, const struct machine_view *view);

#endif
