/*
 * The states as they are to be on disk: all that the registry handed over, and which
 * of them still have to be written. After a lost or corrupt database all have to.
 */
#ifndef PIXIE_STORE_LEDGER_H
#define PIXIE_STORE_LEDGER_H

#include "machine/registry.h"

/* Records of machines whose state nobody set make room beyond this many. */
#define LEDGER_MAX 65536u

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger *l);
/* Takes the newest word on a machine. False without memory: nothing changed. */
bool ledger_put(struct ledger *l, const struct state_record *record);
/* What is on disk already; a newer word that came before stays. */
bool ledger_put_saved(struct ledger *l, const struct state_record *record);
/* Copies up to `max` that are to be written; the same again until ledger_saved(). */
size_t ledger_unsaved(struct ledger *l, struct state_record *out, size_t max);
/* Those that ledger_unsaved() gave last are on disk. */
void ledger_saved(struct ledger *l);
void ledger_all_unsaved(struct ledger *l);
size_t ledger_count(const struct ledger *l);

#endif
