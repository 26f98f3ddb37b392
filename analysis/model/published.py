"""Sets prices that others have published beside those of a model, and says whether they agree."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.model.cost_model import Price


@dataclass(frozen=True)
class Published:
    """What somebody published of the term `key`, ns, and where."""

    key: str
    ns: float
    source: str


# A GiB is 262,144 pages of 4 KiB.
PUBLISHED = (
    # About 14 ms a GiB and 0.3 µs a mapping, as they are quoted after it; it was measured on Ubuntu 16.04 and an Intel
    # i7-6850K (Figure 1).
    Published("page", 55.0, 'Baumann et al., "A fork() in the road", HotOS 2019, as quoted'),
    Published("mapping_other", 300.0, "the same"),
    # 13.1 ms and 9 ms a GB, the physical machines of its table.
    Published("page", 50.0, 'Redis documentation, "Latency", fork time: physical machine'),
    Published("page", 34.0, "the same, Xeon at 2.27 GHz"),
)


def agrees(published: Published, price: Price) -> bool | None:
    """Whether the price's interval holds what was published; ``None``: it has no interval."""
    if price.lo_ns is None or price.hi_ns is None:
        return None
    return price.lo_ns <= published.ns <= price.hi_ns


def beside(price: Price) -> list[Published]:
    """What was published of this price."""
    return [one for one in PUBLISHED if one.key == price.term]
