"""The handlers of the sandbox's commands: what a person, a test or wagatewayctl makes it do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

from wagateway.commands import sandbox as commands
from wagateway.contract import Problem
from wagateway.phone import to_jid
from wagateway.sandbox import contacts, groups, inboxes, linking, membership, presence
from wagateway.sandbox.connection import replaced
from wagateway.sandbox.contents import Quoted, text_message
from wagateway.sandbox.network import Online
from wagateway.sandbox.newsletters import AUTHORS
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.state import GROUP, LID, NEWSLETTER, SERVER, STATUS, USER, Account, Endpoint
from wagateway.sandbox.world import World, number_of
from wagateway.whatsapp.stanza import Jid, Node


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Make what WhatsApp refuses a phone a `Problem` of the command, under WhatsApp's own code."""
    try:
        yield
    except Refusal as refusal:
        sentence = f"WhatsApp refuses it to the phone: {refusal.code} {refusal.text}"
        raise Problem(400, "REFUSED", sentence) from None


async def add_phone(world: World, command: commands.AddPhone) -> commands.PhoneInfo:
    """A new phone with an account."""
    return _info(world.add_phone(number_of(command.phone), command.name).account)


async def list_phones(
    world: World,
    command: commands.ListPhones,
) -> list[commands.PhoneInfo]:
    """Every phone."""
    return [_info(account) for _, account in sorted(world.network.accounts.items())]


def _info(account: Account) -> commands.PhoneInfo:
    return commands.PhoneInfo(
        account.number,
        account.name,
        str(account.jid(USER)),
        str(account.jid(LID)),
        len(account.companions),
    )


async def scan_qr(world: World, command: commands.ScanQr) -> commands.CompanionInfo:
    """Link by QR code."""
    phone = world.phone(command.phone)
    return _companion(world, await world.pairings.scan(command.qr, phone.account, phone.identity))


async def enter_code(world: World, command: commands.EnterCode) -> commands.CompanionInfo:
    """Link by pairing code."""
    phone = world.phone(command.phone)
    linked = await world.pairings.enter_code(command.code, phone.account, phone.identity)
    return _companion(world, linked)


async def companions(world: World, command: commands.Companions) -> list[commands.CompanionInfo]:
    """Linked devices."""
    if command.phone is not None:
        accounts = [world.phone(command.phone).account]
    else:
        accounts = list(world.network.accounts.values())
    return [
        _companion(world, Endpoint(account, device)) for account in accounts for device in account.companions
    ]


def _companion(world: World, linked: Endpoint) -> commands.CompanionInfo:
    return commands.CompanionInfo(
        linked.account.number,
        str(linked.jid(USER)),
        linked.device,
        linked.companion.platform,
        linked.key in world.network.online,
        len(world.network.waiting(linked)),
        len(linked.companion.one_time),
    )


async def phone_send_text(world: World, command: commands.PhoneSendText) -> commands.PhoneSent:
    """Send texts, spread over time as asked."""
    phone = world.phone(command.phone)
    to = chat_of(world, phone, command.to)
    mentions = [str(_known(world, each, "mentions").jid(USER)) for each in command.mentions]
    replied = quoted(phone, command.reply_message_id)
    ids = []
    async for number in paced(command.count, command.rate):
        text = command.text.replace("{n}", str(number)).replace("{monotonic}", f"{time.monotonic():.6f}")
        ids.append(phone.send(to, text_message(text, replied, mentions)))
    return commands.PhoneSent(ids)


async def paced(count: int, rate: float) -> AsyncIterator[int]:
    """The numbers below `count`, `rate` a second (0: as fast as possible)."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(count):
        if rate:
            await asyncio.sleep(start + number / rate - loop.time())
        elif number % 16 == 15:
            await asyncio.sleep(0)
        yield number


def chat_of(world: World, phone: Phone, text: str, field: str = "to") -> Jid:
    """The chat that somebody means, as stanzas of the phone name it; raises `Problem`."""
    jid = Jid.parse(to_jid(text, field))
    if jid.server == GROUP:
        group = world.network.groups.get(jid.user)
        if group is None or phone.account.number not in group.members:
            raise Problem(404, "GROUP_NOT_FOUND", "The phone is in no such group")
        return jid
    if jid == STATUS:
        return jid
    if jid.server == NEWSLETTER:
        newsletter = world.network.newsletters.get(jid.user)
        if newsletter is None or newsletter.roles.get(phone.account.number) not in AUTHORS:
            raise Problem(404, "NEWSLETTER_NOT_FOUND", "The phone has no such newsletter to post to")
        return jid
    return _known(world, text, field).jid(LID)


def _known(world: World, text: str, field: str) -> Account:
    account = world.network.account(Jid.parse(to_jid(text, field)))
    if account is None:
        raise Problem(404, "NOT_ON_WHATSAPP", "This number is not on the sandbox's WhatsApp")
    return account


def quoted(phone: Phone, id_: str) -> Quoted | None:
    """What a reply to the message of this id says of it; one that nobody knows counts as the phone's own."""
    if not id_:
        return None
    known = phone.find(id_, SERVER)
    if known is None:
        return Quoted(id=id_, author=str(phone.account.jid(USER)), message=None)
    return Quoted(id=id_, author=str(known.author.jid(USER)), message=known.message)


async def inbox(world: World, command: commands.Inbox) -> commands.InboxPage:
    """What the phone received."""
    phone = world.phone(command.phone)
    if command.wait:
        await phone.bell.until(lambda: len(phone.inbox) > command.after, command.wait)
    found, total = phone.inbox[command.after :], len(phone.inbox)
    pairs = [(entry, phone.contents.get(entry.index, b"")) for entry in found]
    # In a thread, because there may be many messages, with large files.
    messages = await asyncio.to_thread(lambda: [inboxes.shown(world.media, *pair) for pair in pairs])
    return commands.InboxPage(messages, total)


async def receipts(world: World, command: commands.Receipts) -> commands.ReceiptPage:
    """What became of the phone's messages."""
    phone = world.phone(command.phone)
    if command.wait:
        await phone.bell.until(lambda: len(phone.receipts) > command.after, command.wait)
    return commands.ReceiptPage(phone.receipts[command.after :], len(phone.receipts))


async def mark_read(world: World, command: commands.MarkRead) -> commands.Done:
    """Read messages."""
    return commands.Done(world.phone(command.phone).mark_read(command.ids))


async def create_group(world: World, command: commands.PhoneCreateGroup) -> commands.GroupInfo:
    """A new group."""
    creator = world.phone(command.phone).account
    members = [world.phone(member, "members").account for member in command.members]
    with refused():
        group = groups.draft(creator, command.subject)
        membership.create(world.network, creator, group, [member.jid(USER) for member in members])
    addresses = [str(world.network.accounts[number].jid(USER)) for number in group.members]
    return commands.GroupInfo(str(group.jid), group.subject, addresses)


async def set_presence(world: World, command: commands.SetPresence) -> commands.Done:
    """Online, offline, typing."""
    phone, state = world.phone(command.phone), command.state
    if state in ("available", "unavailable"):
        presence.change(world.network, phone.account, available=state == "available")
        return commands.Done(1)
    if command.to is None:
        raise Problem(400, "VALIDATION_ERROR", "to: says whom the phone is typing to.")
    to = chat_of(world, phone, command.to)
    doing = Node("composing", {"media": "audio"}) if state == "recording" else Node(state)
    presence.typing(world.network, phone.me, Node("chatstate", {"to": to}, [doing]))
    return commands.Done(1)


async def drop_connection(world: World, command: commands.DropConnection) -> commands.Done:
    """Cut the line."""
    online = _online(world, command.phone, command.device)
    for connection in online:
        connection.drop()
    return commands.Done(len(online))


async def refuse_connections(world: World, command: commands.RefuseConnections) -> commands.Done:
    """Let nobody in for a while."""
    number = world.phone(command.phone).account.number if command.phone else ""
    world.network.faults.refuse(number, command.seconds)
    return commands.Done()


async def delay_acks(world: World, command: commands.DelayAcks) -> commands.Done:
    """Slow acknowledgements."""
    number = world.phone(command.phone).account.number
    world.network.faults.delay(number, command.milliseconds / 1000)
    return commands.Done()


async def withhold_acks(world: World, command: commands.WithholdAcks) -> commands.Done:
    """No acknowledgements."""
    world.network.faults.withhold(world.phone(command.phone).account.number, command.count)
    return commands.Done()


async def await_withheld(world: World, command: commands.AwaitWithheld) -> commands.Done:
    """Wait until one is held back."""
    number = world.phone(command.phone).account.number
    return commands.Done(await world.network.faults.held(number, command.wait))


async def reject_sends(world: World, command: commands.RejectSends) -> commands.Done:
    """Errors instead of acknowledgements."""
    world.network.faults.reject(world.phone(command.phone).account.number, command.count, command.error)
    return commands.Done()


async def garble_messages(world: World, command: commands.GarbleMessages) -> commands.Done:
    """Damage messages."""
    world.network.faults.garble(world.phone(command.phone).account.number, command.count)
    return commands.Done()


async def unlink_companion(world: World, command: commands.UnlinkCompanion) -> commands.Done:
    """Log devices out."""
    devices = linked(world.phone(command.phone), command.device)
    for companion in devices:
        linking.unlink(world.network, companion)
    return commands.Done(len(devices))


async def replace_stream(world: World, command: commands.ReplaceStream) -> commands.Done:
    """Pretend that another client took over."""
    online = _online(world, command.phone, command.device)
    for connection in online:
        connection.fail(replaced())
    return commands.Done(len(online))


async def fail_logins(world: World, command: commands.FailLogins) -> commands.Done:
    """Failures at login."""
    attrs: dict[str, str | Jid] = {"reason": str(command.reason), "location": "sandbox"}
    if command.reason == 402:
        attrs |= {"code": str(command.ban_code), "expire": str(command.expire)}
    number = world.phone(command.phone).account.number
    world.network.faults.fail_logins(number, command.count, Node("failure", attrs))
    return commands.Done()


def linked(phone: Phone, device: int) -> list[Endpoint]:
    """The linked devices of a phone, or one of them; raises 404."""
    numbers = [each for each in phone.account.companions if device in (0, each)]
    if not numbers:
        raise Problem(404, "COMPANION_NOT_FOUND", "The phone has no such linked device")
    return [Endpoint(phone.account, each) for each in numbers]


def _online(world: World, phone: str, device: int) -> list[Online]:
    devices = linked(world.phone(phone), device)
    return [world.network.online[each.key] for each in devices if each.key in world.network.online]


async def add_contacts(world: World, command: commands.AddContacts) -> commands.Done:
    """Fill the address book."""
    phone = world.phone(command.phone)
    known = [(world.phone(each.phone, "contacts").account, each.name) for each in command.contacts]
    contacts.add(world.network, phone, known)
    return commands.Done(len(known))
