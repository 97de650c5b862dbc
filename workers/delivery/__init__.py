"""Delivery of the log's events to the hooks, in order per chat, at least once."""

from workers.delivery.delivery import LAST_WORDS_SECONDS as LAST_WORDS_SECONDS
from workers.delivery.delivery import Delivery as Delivery
from workers.delivery.pace import Pace as Pace
from workers.delivery.pace import pause as pause
from workers.delivery.receiver import Outcome as Outcome
from workers.delivery.receiver import Receiver as Receiver
from workers.delivery.views import HookView as HookView
