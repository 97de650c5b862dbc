"""What is told of the device's own life: its state, its account, its webhooks and its worker."""

import time

from wagateway.commands.app import DeviceState
from wagateway.events import rfc3339
from wagateway.events.catalogue import (
    BANNED,
    DEVICE_STATE,
    HOOKS,
    LOGGED_OUT,
    PAIRED,
    QR,
    RESTARTED,
    RESTRICTED,
)
from wagateway.events.device import (
    BannedPayload,
    DeviceStatePayload,
    HooksPayload,
    LoggedOutPayload,
    PairedPayload,
    QrPayload,
    RestartedPayload,
    RestrictedPayload,
)
from wagateway.spec import Death
from workers.engine import QrShown
from workers.session import Identity
from workers.telling import Teller

RESTRICTED_SECONDS = 3600.0


class Life:
    """Words for what happens to a device; each returns at once."""

    def __init__(self, teller: Teller, restricted_seconds: float = RESTRICTED_SECONDS) -> None:
        self._tell = teller.tell
        self._restricted_seconds = restricted_seconds
        self._restricted_at: float | None = None

    def restarted(self, death: Death | None) -> None:
        """The worker has started; `death` is that of the one before it, if that was not asked for."""
        if death is not None:
            down_ms = max(0, round((time.time() - death.at) * 1000))
            payload = RestartedPayload(reason=death.reason, restarts=death.restarts, down_ms=down_ms)
            self._tell(RESTARTED, payload)

    def state(self, state: DeviceState, reason: str) -> None:
        """The state is another one, or has another reason."""
        self._tell(DEVICE_STATE, DeviceStatePayload(state=state, reason=reason))

    def qr(self, shown: QrShown) -> None:
        """A code is shown."""
        expires_at = rfc3339(int(shown.expires_at * 1000))
        self._tell(QR, QrPayload(code=shown.code, attempt=shown.attempt, expires_at=expires_at))

    def paired(self, identity: Identity) -> None:
        """The device is linked to this account."""
        jid, lid, name = identity
        self._tell(PAIRED, PairedPayload(jid=jid, lid=lid, display_name=name))

    def logged_out(self, reason: str) -> None:
        """The device is linked no more; call it while it still has the JID of the account."""
        self._tell(LOGGED_OUT, LoggedOutPayload(reason=reason))

    def banned(self, reason: str, until: int) -> None:
        """WhatsApp banned the account until then, in Unix seconds; 0 where it does not say."""
        self._tell(BANNED, BannedPayload(reason=reason, until=rfc3339(until * 1000)))

    def restricted(self, reason: str) -> None:
        """WhatsApp does not let the account do something for now; told at most once an hour."""
        moment = time.monotonic()
        if self._restricted_at is None or moment - self._restricted_at >= self._restricted_seconds:
            self._restricted_at = moment
            self._tell(RESTRICTED, RestrictedPayload(reason=reason))

    def hooks(self, ids: list[str]) -> None:
        """The webhooks were changed."""
        self._tell(HOOKS, HooksPayload(webhook_ids=ids))
