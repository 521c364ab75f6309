/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * twin_used.c - the control of eva_used.c: lib/used.c with one fetch more. The
 * number that was judged is read a second time before it is an index. The
 * analysis must find that: a proof that cannot fail is none.
 */
#include "base.h"
#include "copy.h"

#define bounce_index_nospec(index, limit) bounce_copy_le16(used->ring + 4)
#include "used.c"
