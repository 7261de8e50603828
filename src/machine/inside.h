/*
 * What the files of this folder share and nobody else sees: the registry's own
 * structs. All of it is read and written under `lock`.
 */
#ifndef PIXIE_MACHINE_INSIDE_H
#define PIXIE_MACHINE_INSIDE_H

#include <pthread.h>
#include <sys/queue.h>

#include "base/quota.h"
#include "machine/index.h"
#include "machine/registry.h"
#include "machine/states.h"
#include "machine/step.h"
#include "machine/tally.h"
#include "machine/texts.h"
#include "machine/timeline.h"
#include "machine/verdict.h"

#define MACS_MAX (sizeof(((struct machine_view *)0)->macs) / sizeof(struct mac))
/* As much as readers show. */
#define VIEW_MAX(field) (sizeof(((struct machine_view *)0)->field) - 1)

/* Who makes room first. A machine is in exactly one of them. */
enum queue {
	QUEUE_STRANGERS, /* were heard, and got nothing whole from us */
	QUEUE_REGULARS,
	QUEUE_KEPT, /* have a state, or used up a `once`; the oldest of too many are
		     * regulars: their state is kept without them */
	QUEUES
};

/*
 * What not every machine has is made when it has it (parts.c). Strings are of the
 * registry's `texts`; NULL: none.
 */

/* What it said of itself, by DHCP or to our menu. */
struct traits {
	struct mac others[MACS_MAX - 1]; /* its further cards */
	struct mac asked_as;             /* firmware's last DISCOVER */
	struct mono asked_at, discovered;
	enum step discovered_by; /* firmware, or iPXE, which may follow at once */
	bool has_uuid;
	struct uuid uuid;
	const char *firmware, *vendor, *product, *serial;
};

/* What became of its boots. */
struct past {
	const char *code, *outcome; /* the verdict on the last; code NULL: none */
	const char *text, *next;
	const char *roms[EARLIER_ROMS]; /* of boots before it that came to nothing */
};

/* Pieces of one file, each at once after the one before: counted, told later in one. */
struct pieces {
	uint64_t file, bytes; /* file 0: none */
	struct mono at;
	unsigned n;
};

/* Its state, and the token of its boot. What of it outlives the machine: states.h. */
struct orders {
	struct machine *whose;
	enum machine_state state; /* set by somebody */
	bool state_set, once_used;
	char by[24];
	char token[DONE_TOKEN_TEXT];
	uint32_t once_boot, token_boot;
};

/* There are thousands: a field here is 16,384 fields. */
struct machine {
	TAILQ_ENTRY(machine) age;
	TAILQ_ENTRY(machine) open;
	struct traits *traits;
	struct past *past;
	struct pieces *pieces;
	struct orders *orders;

	/* Who it is. */
	int64_t first_ms, last_ms;
	struct mono heard; /* its last event, or byte moved */
	struct netaddr addr;
	struct mac mac; /* the first */
	uint8_t n_macs; /* with traits->others */
	uint8_t queue;  /* enum queue */
	bool is_used, is_open;
	bool owns_addr, addr_by_dhcp, addr_is_shared;
	int16_t arch;
	uint32_t transfers;

	/* Its events in the ring. */
	uint32_t first, last;
	uint64_t evicted_seq;
	uint32_t evicted;

	/* Its boot. */
	uint32_t boot, boot_first; /* number; its first event in the ring */
	uint8_t step;              /* enum step: the furthest */
	uint8_t looked;            /* silences looked at since `heard` */
	uint8_t in_script;         /* enum machine_state that its script asks for */
	bool rom_sent, is_done;
	int64_t boot_ms, boot_end_ms;
	const char *rom;
	const char *outcome;
};

TAILQ_HEAD(machines, machine);

/* `p` is what tellers hold. */
struct transfer {
	struct progress p;
	TAILQ_ENTRY(transfer) entry;
	uint32_t slot, boot;
	struct mono began, moved;
	uint64_t bytes, rate; /* at the last tick */
	const char *name;     /* of the registry's texts */
	uint8_t via;          /* enum transport */
	bool is_stalled;
};
TAILQ_HEAD(transfer_list, transfer);

/* A verdict to be logged when no lock is held. */
struct word {
	STAILQ_ENTRY(word) entry;
	char who[NETADDR_TEXT];
	struct verdict verdict;
};
STAILQ_HEAD(words, word);

#define COMMON_UUIDS_MAX 64

struct registry {
	pthread_mutex_t lock;
	struct tally tally;
	struct registry_config config;
	struct mono now;             /* when the lock was taken */
	int64_t wall_ms, wall_ahead; /* the same; and by how much it is ahead of `now` */
	uint32_t seed;               /* so that nobody can choose names of one bucket */
	struct machine *slots;
	uint32_t n_slots, fresh; /* slots from `fresh` on were never used */
	unsigned counts[QUEUES];
	struct machines queues[QUEUES], open, unused;
	struct texts texts;
	size_t parts; /* bytes of the machines' traits, pasts, pieces and orders */
	struct index by_mac, by_uuid, by_addr, by_bare, by_token;
	struct uuid common[COMMON_UUIDS_MAX]; /* seen on several machines */
	unsigned n_common;
	struct states states;
	struct timeline timeline;
	struct transfer_list transfers;
	size_t n_transfers, n_open;
	struct mono sampled; /* all transfers, at the last tick */
	uint64_t dropped;
	double strangers_left; /* events that strangers may still put into the ring */
	struct mono strangers_at;
	uint64_t generation;
	uint64_t refused; /* states, when the log said so last */
	void (*wake)(void *arg);
	void *wake_arg;
	struct words words;
	unsigned n_words, unsaid; /* queued; more than may be */
	struct quota lines;       /* of the log, for verdicts: registry_tick() alone */
	struct event story[256];  /* of the boot that is being judged */
};

/* The lock, and the time for all that is done under it: clocks are asked once. */
void registry_lock(struct registry *r);
void registry_unlock(struct registry *r);
void registry_compare_clocks(struct registry *r);

static inline struct mono
registry_now(const struct registry *r)
{
	return r->now;
}

static inline int64_t
registry_wall(const struct registry *r)
{
	return r->wall_ms;
}

static inline uint32_t
slot_of(const struct registry *r, const struct machine *m)
{
	return m ? (uint32_t)(m - r->slots) : SLOT_NONE;
}

/*
 * parts.c: made when a machine has none; NULL without memory. To read what it has, or
 * what one that has none would, the next two.
 */
struct traits *machine_traits(struct registry *r, struct machine *m);
struct past *machine_past(struct registry *r, struct machine *m);
struct pieces *machine_pieces(struct registry *r, struct machine *m);
struct orders *machine_orders(struct registry *r, struct machine *m);
const struct traits *traits_of(const struct machine *m);
const struct orders *orders_of(const struct machine *m);            /* NULL: no machine */
const struct mac *machine_mac(const struct machine *m, unsigned i); /* below n_macs */
/* All of them and its strings; not what indexes and lists say of it. */
void machine_drop_parts(struct registry *r, struct machine *m);

/* roster.c: who is who */
struct machine *roster_by_mac(struct registry *r, const struct mac *mac);
struct machine *roster_by_addr(struct registry *r, const struct netaddr *addr);
/* NULL: no room, no memory. Without what is kept of it: see roster_named(). */
struct machine *roster_make(struct registry *r, const struct mac *mac);
/* By any of its cards; one that was forgotten is called back with its state if `make`,
 * one that was never heard of is made then. NULL: nobody, or no room. */
struct machine *roster_named(struct registry *r, const struct mac *mac, bool make);
/* By the order of registry_tell(); made when `make`. NULL: nobody, or no room. */
struct machine *roster_meet(struct registry *r, const struct sighting *who, bool make);
/* It moves up, and to the young end. */
void roster_promote(struct registry *r, struct machine *m, enum queue queue);
void roster_forget(struct registry *r, struct machine *m);
/* Its firmware, vendor, product and serial, those that are said. */
void machine_note_traits(
	struct registry *r, struct machine *m, const struct sighting *who);
uint32_t registry_hash(const struct registry *r, const void *data, size_t len);

/* uuid.c: which are a machine's own, and what follows */
bool uuid_is_junk(const struct uuid *uuid);
/* Notes the machine's UUID; the machine it is then, another when that had it. */
struct machine *machine_note_uuid(
	struct registry *r, struct machine *m, const struct sighting *who);
struct machine *roster_by_uuid(struct registry *r, const struct uuid *uuid);
void machine_add_mac(struct registry *r, struct machine *m, const struct mac *mac);
void machine_drop_last_mac(struct registry *r, struct machine *m);
void machine_drop_uuid(struct registry *r, struct machine *m);
void machine_take_uuid(struct registry *r, struct machine *m, const struct uuid *uuid);

/* merge.c: two that turn out to be one. `from` is gone afterwards. */
void machine_absorb(struct registry *r, struct machine *into, struct machine *from);

/* boots.c: the events of a machine, and which boot they are of */
/* Appends `e` as the machine's (NULL: nobody's) in boot number `boot`. */
void machine_append(
	struct registry *r, struct machine *m, struct event *e, uint32_t boot);
/* Whether the machine may put one more into the ring: a flood of strangers may not. */
bool machine_may(struct registry *r, const struct machine *m);
/* A server's event: begins a boot if it does, appends, counts as a sign of life. */
void machine_tell(struct registry *r, struct machine *m, const struct event *what);
/* What it asks for may begin a boot; the event itself is told later, or never. */
void machine_asks(struct registry *r, struct machine *m, const struct event *what);
/* On the list of those whose boot goes on, and off it. */
void machine_open(struct registry *r, struct machine *m);
void machine_shut(struct registry *r, struct machine *m);
/* The ROM of the boot that ends is remembered if it came no further: three are a loop. */
void machine_keep_rom(struct registry *r, struct machine *m);
void machine_flush_like(struct registry *r, struct machine *m);

/* judge.c */
/* Looks at the story again; `silent_ms` since the last sign of life. */
void machine_judge(struct registry *r, struct machine *m, int64_t silent_ms);
void machine_keep_verdict(struct registry *r, struct machine *m, const struct verdict *v);

/* state.c */
/* Its orders changed. */
void machine_dirty(struct registry *r, struct machine *m);
/* Longer than others, if it has a state. */
void machine_stay(struct registry *r, struct machine *m);
/* Its token is nobody's any more. */
void machine_drop_orders(struct registry *r, struct machine *m);

/* recall.c */
/* What is kept of it is its own again. */
void machine_recall(
	struct registry *r, struct machine *m, const struct state_record *kept);
/* Its orders, and the token of its boot, into what is kept and is to be on disk. */
void machine_keep(struct registry *r, const struct machine *m);
void orders_put_token(struct registry *r, struct orders *o, const char *token);

#endif
