"""The one way by which a worker opens HTTP connections to addresses that others name."""

from workers.egress.egress import Egress
from workers.egress.fetch import Fetched, Page, fetch, read
from workers.egress.problems import Refused
from workers.egress.rules import Rules

__all__ = ["Egress", "Fetched", "Page", "Refused", "Rules", "fetch", "read"]
