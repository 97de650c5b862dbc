"""`wagatewayctl sandbox …`: the phones, groups and faults of the simulated WhatsApp network.

The arguments of a verb are the fields of its command: those without a default by place, the others by name.
"""

import argparse
import inspect
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin

import msgspec

from wagateway.commands import sandbox
from wagateway.contract import Command
from wagateway.ctl import show
from wagateway.ctl.asking import Failure, Place, ask_sandbox
from wagateway.ctl.commands import command_of
from wagateway.ctl.nouns import Argument, Nouns, Verb, argument

_PHONE: dict[str, type[Command[Any]]] = {
    "add": sandbox.AddPhone,
    "list": sandbox.ListPhones,
    "scan": sandbox.ScanQr,
    "code": sandbox.EnterCode,
    "send": sandbox.PhoneSendText,
    "inbox": sandbox.Inbox,
    "receipts": sandbox.Receipts,
    "read": sandbox.MarkRead,
    "presence": sandbox.SetPresence,
    "message": sandbox.PhoneSendMessage,
    "media": sandbox.PhoneSendMedia,
    "poll": sandbox.PhonePoll,
    "vote": sandbox.PhoneVote,
    "react": sandbox.PhoneReact,
    "edit": sandbox.PhoneEdit,
    "revoke": sandbox.PhoneRevoke,
    "played": sandbox.MarkPlayed,
    "file": sandbox.PhoneMedia,
    "contacts": sandbox.AddContacts,
    "history": sandbox.HandHistory,
    "profile": sandbox.ShowProfile,
    "set": sandbox.SetProfile,
    "unlink": sandbox.UnlinkCompanion,
    "call": sandbox.PhoneCall,
    "calls": sandbox.Calls,
    "hang-up": sandbox.PhoneHangUp,
    "online": sandbox.ShowPresence,
    "newsletter": sandbox.PhoneSetNewsletter,
}
_GROUP: dict[str, type[Command[Any]]] = {
    "create": sandbox.PhoneCreateGroup,
    "show": sandbox.ShowGroup,
    "set": sandbox.PhoneSetGroup,
    "members": sandbox.PhoneSetMembers,
    "join": sandbox.PhoneJoinGroup,
    "leave": sandbox.PhoneLeaveGroup,
}
_FAULT: dict[str, type[Command[Any]]] = {
    "drop": sandbox.DropConnection,
    "refuse": sandbox.RefuseConnections,
    "delay": sandbox.DelayAcks,
    "withhold": sandbox.WithholdAcks,
    "await": sandbox.AwaitWithheld,
    "reject": sandbox.RejectSends,
    "garble": sandbox.GarbleMessages,
    "replace": sandbox.ReplaceStream,
    "login": sandbox.FailLogins,
    "media": sandbox.MediaFaults,
    "expire": sandbox.ExpireMedia,
}
_ALONE: dict[str, type[Command[Any]]] = {
    "companions": sandbox.Companions,
    "history": sandbox.SendHistory,
    "newsletter": sandbox.CreateNewsletter,
    "media": sandbox.MediaCounts,
}
_COLUMNS = {sandbox.InboxMessage: ("index", "sender", "chat", "text", "receipt", "id")}


def add(nouns: Nouns) -> None:
    """Register the verbs."""
    words = nouns.within("sandbox", "the simulated WhatsApp network: phones, groups, faults")
    _fill(words.within("phone", "virtual phones: link them, write from them, see what they got"), _PHONE)
    _fill(words.within("group", "groups of phones"), _GROUP)
    _fill(words.within("fault", "make the network misbehave"), _FAULT)
    _fill(words, _ALONE)


def commands() -> list[type[Command[Any]]]:
    """Every command that has a verb here."""
    return [command for verbs in (_PHONE, _GROUP, _FAULT, _ALONE) for command in verbs.values()]


def _fill(nouns: Nouns, verbs: dict[str, type[Command[Any]]]) -> None:
    for name, command in verbs.items():
        text = inspect.cleandoc(command.__doc__ or "")
        nouns.add(name, _verb(command), text, [*_arguments(command)])


def _arguments(command: type[Command[Any]]) -> Iterable[Argument]:
    for field in msgspec.structs.fields(command):
        if field.required:
            yield argument(field.name, metavar=field.name.upper())
        else:
            flag = "--" + field.name.replace("_", "-")
            yield argument(flag, dest=field.name, metavar="VALUE", help=_hint(field))


def _hint(field: msgspec.structs.FieldInfo) -> str:
    if _is_list(field):
        return "several are separated by commas"
    return f"[{field.default}]" if field.default not in (None, "", msgspec.NODEFAULT) else ""


def _verb(command: type[Command[Any]]) -> Verb:
    def verb(place: Place, arguments: argparse.Namespace) -> int:
        reply = ask_sandbox(place, _command(command, arguments))
        if arguments.json:
            show.as_json(reply)
        else:
            _print(reply)
        return 0

    return verb


def _command(command: type[Command[Any]], arguments: argparse.Namespace) -> Command[Any]:
    given: dict[str, object] = {}
    for field in msgspec.structs.fields(command):
        value = getattr(arguments, field.name)
        if value is not None:
            given[field.name] = _value(field, value)
    return command_of(command, given, strict=False)


def _value(field: msgspec.structs.FieldInfo, text: str) -> object:
    if _kind(field) not in (list, dict):
        return text
    if not text.startswith(("{", "[")):
        return text.split(",")
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Failure(f"{field.name}: {error}") from None


def _is_list(field: msgspec.structs.FieldInfo) -> bool:
    return _kind(field) is list


def _kind(field: msgspec.structs.FieldInfo) -> object:
    return get_origin(get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type)


def _print(reply: object) -> None:
    rows = _rows(reply)
    if rows is None:
        assert isinstance(reply, msgspec.Struct)
        show.facts(reply)
    elif not rows:
        show.line("Nothing.")
    else:
        names = _COLUMNS.get(type(rows[0]), rows[0].__struct_fields__)
        table = [[str(getattr(row, name)) for name in names] for row in rows]
        show.columns([name.upper() for name in names], table)


def _rows(reply: object) -> Sequence[Any] | None:
    if isinstance(reply, sandbox.InboxPage):
        return reply.messages
    if isinstance(reply, sandbox.ReceiptPage):
        return reply.receipts
    return reply if isinstance(reply, list) else None
