"""Which kinds of events somebody wants to hear of."""

from wagateway.events import known
from wagateway.problems import invalid

_MOST_NAMED = 5


def filters_of(names: list[str]) -> frozenset[str]:
    """The filters as `wants` takes them; raises 400 `VALIDATION_ERROR` for `events` that there are not."""
    unknown = [name for name in names if not known(name)]
    if unknown:
        raise invalid("events", f"there is no kind of event {', '.join(map(repr, unknown[:_MOST_NAMED]))}")
    return frozenset(name.lower() for name in names)
