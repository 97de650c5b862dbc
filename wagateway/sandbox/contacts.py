"""A phone's address book, and telling the linked devices what is in it."""

from wagateway.sandbox import settings
from wagateway.sandbox.network import Network
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.state import Account, Endpoint
from wagateway.whatsapp.protos import E2E, LidMigration


def add(network: Network, phone: Phone, contacts: list[tuple[Account, str]]) -> None:
    """Put accounts into the address book under these full names."""
    if not contacts:
        return
    settings.write_contacts(network, phone.account, contacts)
    for device in list(phone.account.companions):
        companion = Endpoint(phone.account, device)
        if companion.companion.greeted:
            share_addresses(phone, companion, [contact for contact, _ in contacts])


def share_addresses(phone: Phone, companion: Endpoint, accounts: list[Account]) -> None:
    """Tell a linked device which LID belongs to which number.

    Without that it begins a second session, under the number, with a contact that it has not written to.
    """
    if not accounts:
        return
    mappings = LidMigration.LIDMigrationMappingSyncPayload()
    for account in accounts:
        mappings.pnToLidMappings.add(pn=int(account.number), assignedLid=int(account.lid))
    content = E2E.ProtocolMessage(type=E2E.ProtocolMessage.LID_MIGRATION_MAPPING_SYNC)
    content.lidMigrationMappingSyncMessage.encodedMappingPayload = mappings.SerializeToString()
    phone.send_peer(companion, content)
