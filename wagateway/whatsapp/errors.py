"""What every protocol piece raises when its input breaks the protocol."""


class ProtocolError(Exception):
    """The other side sent something that the WhatsApp protocol does not allow, or that was forged."""


class DuplicateMessage(ProtocolError):
    """An encrypted message whose key was used up: it was decrypted before, or it is far too old."""
