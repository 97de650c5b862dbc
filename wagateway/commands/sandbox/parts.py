"""What commands of several stories take and are answered with."""

from typing import Annotated

import msgspec
from msgspec import Meta

Wait = Annotated[float, Meta(ge=0, le=120, description="Seconds to wait for it, at most")]
Device = Annotated[int, Meta(ge=0, le=255, description="One companion of the account; 0 means all")]


class Done(msgspec.Struct, frozen=True):
    """How many companions, connections or stanzas it touched."""

    count: int = 0
