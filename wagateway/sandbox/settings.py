"""The account's settings as its phone writes them into app state, for the linked devices to read."""

from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import Account, Collection
from wagateway.whatsapp import appstate
from wagateway.whatsapp.protos import ServerSync, SyncAction


def key(account: Account) -> appstate.SyncKey:
    """The key that the phone shares with every linked device."""
    return appstate.SyncKey(account.state_key_id, account.state_key)


def write_name(network: Network, account: Account) -> None:
    """Write the push name, once: companions cannot say that they are available without one."""
    name = "critical_block"
    if name in account.collections:
        return
    value = SyncAction.SyncActionValue(timestamp=now() * 1000)
    value.pushNameSetting.name = account.name
    mutation = appstate.Mutation(["setting_pushName"], value)
    patch, _ = appstate.build_patch(appstate.Collection(name), key(account), [mutation])
    append(network, account, name, patch)


def append(network: Network, account: Account, name: str, patch: ServerSync.SyncdPatch) -> int:
    """Add a patch to a collection; the version it got."""
    collection = account.collections.setdefault(name, Collection())
    collection.version += 1
    patch.version.version = collection.version
    collection.patches.append(patch.SerializeToString())
    network.save(account)
    return collection.version
