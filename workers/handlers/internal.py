"""What the supervisor asks of a worker."""

from wagateway.commands.internal import ConfigureHooks, Unlink, Unlinked
from workers.delivery import LAST_WORDS_SECONDS
from workers.device import Device


async def unlink(device: Device, _command: Unlink) -> Unlinked:
    """Log out of WhatsApp; returns when webhooks had a chance to hear of it: the worker is stopped next."""
    unlinked = await device.unlink()
    await device.delivery.settled(LAST_WORDS_SECONDS)
    return Unlinked(unlinked=unlinked)


async def configure_hooks(device: Device, command: ConfigureHooks) -> None:
    """Send the events elsewhere from now on."""
    await device.change_hooks(command.hooks)
