"""The account's settings as its phone writes them into app state, for the linked devices to read."""

from collections.abc import Iterable

from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import LID, SERVER, USER, Account, Collection, Endpoint
from wagateway.whatsapp import appstate
from wagateway.whatsapp.protos import ServerSync, SyncAction
from wagateway.whatsapp.stanza import Node

_NAME = "critical_block"
_CONTACTS = "critical_unblock_low"
_CONTACT_VERSION = 2


def key(account: Account) -> appstate.SyncKey:
    """The key that the phone shares with every linked device."""
    return appstate.SyncKey(account.state_key_id, account.state_key)


def write_name(network: Network, account: Account) -> None:
    """Write the push name, once: companions cannot say that they are available without one."""
    if _NAME in account.collections:
        return
    value = SyncAction.SyncActionValue(timestamp=now() * 1000)
    value.pushNameSetting.name = account.name
    _write(network, account, _NAME, [appstate.Mutation(["setting_pushName"], value)])


def write_contacts(network: Network, account: Account, contacts: Iterable[tuple[Account, str]]) -> None:
    """Put accounts into the address book, under these full names."""
    mutations = []
    for contact, name in contacts:
        value = SyncAction.SyncActionValue(timestamp=now() * 1000)
        value.contactAction.fullName = name
        value.contactAction.firstName = name.partition(" ")[0]
        value.contactAction.lidJID = str(contact.jid(LID))
        value.contactAction.saveOnPrimaryAddressbook = True
        index = ["contact", str(contact.jid(USER))]
        mutations.append(appstate.Mutation(index, value, version=_CONTACT_VERSION))
        account.contacts[contact.number] = name
    _write(network, account, _CONTACTS, mutations)


def _write(network: Network, account: Account, name: str, mutations: list[appstate.Mutation]) -> None:
    state, secret = appstate.Collection(name), key(account)
    for raw in account.collections.get(name, Collection()).patches:
        _, state = appstate.decode_patch(state, secret, ServerSync.SyncdPatch.FromString(raw))
    patch, _ = appstate.build_patch(state, secret, mutations)
    append(network, Endpoint(account, 0), name, patch)


def append(network: Network, author: Endpoint, name: str, patch: ServerSync.SyncdPatch) -> int:
    """Add a device's patch to a collection and tell the other devices; the version it got."""
    account = author.account
    collection = account.collections.setdefault(name, Collection())
    collection.version += 1
    patch.version.version = collection.version
    collection.patches.append(patch.SerializeToString())
    network.save(account)
    changed = Node("collection", {"name": name, "version": str(collection.version)})
    for other in network.others(author):
        # One that has no key yet fetches everything once it gets it.
        if other.device and other.companion.greeted:
            attrs = {"type": "server_sync", "id": network.next_id(), "t": str(now())}
            network.deliver(other, Node("notification", {"from": SERVER, **attrs}, [changed]))
    return collection.version
