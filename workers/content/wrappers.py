"""Taking a message out of the messages that are wrapped around it."""

from wagateway.whatsapp.protos import E2E

_DEEPEST = 8  # wrappers around wrappers; honest ones need three

WRAPPERS = frozenset(
    field.name
    for field in E2E.Message.DESCRIPTOR.fields
    if field.message_type is not None
    and field.message_type.name in ("FutureProofMessage", "DeviceSentMessage")
)
"""Every field of `E2E.Message` that holds a whole message; new ones come with the protocol."""

VIEW_ONCE = frozenset({"viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"})


def unwrap(message: E2E.Message) -> tuple[E2E.Message, frozenset[str]]:
    """The innermost message, and the names of the wrappers that were around it."""
    around = []
    for _ in range(_DEEPEST):
        name = next((field.name for field, _ in message.ListFields() if field.name in WRAPPERS), None)
        if name is None:
            break
        around.append(name)
        message = getattr(message, name).message
    return message, frozenset(around)
