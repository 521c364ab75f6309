# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How each proof of configure.py is made, for tools/prove.py."""
from common import configure


class Proof:
    """
    Of whole programs by Eva; of functions by WP; of functions of one file by
    tools/words.py, with each value of some masks. `broken`: a file of lib/,
    what stands there, and what instead, so that it is no longer true.
    """

    def __init__(self, name, method="eva", functions="", precision=4,
                 masks="", more=(), broken=None, twin=False):
        self.sources, self.method = configure.PROOFS[name], method
        self.functions, self.precision = functions.split(), precision
        self.masks, self.more = masks.split(), more
        self.broken, self.twin = broken, twin


PROOFS = {
    "used": Proof(
        "used", precision=6,
        broken=("lib/used.c", "used->taken & (used->entries - 1)",
                "used->taken | used->entries")),
    "map": Proof(
        "map",
        broken=("lib/sync.c", "bounce_inside(part->offset, part->len, 0",
                "bounce_inside(part->offset, part->len - 1, 0")),
    "share": Proof(
        "share",
        # Where a range begins, each number by itself.
        more=["-eva-split-return-function", "alike_from:full,ask:full",
              "-eva-slevel-function", "make_all_private:1000,"
              "unshare_batch:1000,make_private:1000"],
        broken=("lib/share.c", "next > end)", "next > end + 1)")),
    "arithmetic": Proof(
        "arithmetic", "wp", """bounce_wraps bounce_inside bounce_overlaps
        bounce_min reach_of bounce_window_find""",
        broken=("lib/base.h", "len - 1 > UINT64_MAX - base",
                "len > UINT64_MAX - base")),
    "masks": Proof(
        "masks", "bits", """bounce_lowest bounce_low_bits bounce_count
        bounce_is_low_mask bounce_is_power bounce_round_up
        bounce_index_nospec""",
        broken=("lib/base.h", "limit - 1 - index", "limit - index")),
    "levels": Proof(
        "levels", "bits", "tree_mask tree_level",
        broken=("lib/tree.h", "units > 16", "units >= 16")),
    "runs": Proof(
        "runs", "bits", "bounce_pool_runs",
        broken=("lib/pool.h", "? count - have : have", "? have : have")),
    "places": Proof(
        "places", "bits", """first_units match_starts limit_starts
        bounce_window_place bounce_window_fits""",
        broken=("lib/window.c", "place->residue - bus) & place->modulus",
                "place->residue - bus) & place->residue")),
    "patterns": Proof(
        "patterns", "bits", "boundary_starts bounce_window_starts",
        masks="place->boundary",
        broken=("lib/window.c", "first_units(good - at + 1)",
                "first_units(good - at)")),
    # A fetch too many, put in: it must be found.
    "twin": Proof("twin", precision=6, twin=True),
}
