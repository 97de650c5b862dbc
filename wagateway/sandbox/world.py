"""The whole network in one object: what the proxy and the commands both reach."""

import asyncio
from pathlib import Path

from wagateway.contract import Problem
from wagateway.phone import to_jid
from wagateway.problems import invalid
from wagateway.sandbox import identity as identities
from wagateway.sandbox import mediaserver
from wagateway.sandbox.connection import Connection
from wagateway.sandbox.disk import Disk
from wagateway.sandbox.media import MediaHost
from wagateway.sandbox.network import Network
from wagateway.sandbox.pairing import Pairings
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.proxy import Pipe
from wagateway.sandbox.services.catalogue import desk
from wagateway.sandbox.state import USER
from wagateway.whatsapp.stanza import Jid


class World:
    """The network, its phones, those who wait to be linked, and the media host; its data is in `folder`.

    Another process that has the folder is waited for, `patience` seconds at most; after that it raises
    `sqlite3.OperationalError`.
    """

    def __init__(self, folder: Path, patience: float = 5.0) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.disk = Disk(folder / "sandbox.db", patience)
        self.identity = identities.load(self.disk)
        self.network = Network(self.disk)
        self.pairings = Pairings(self.network)
        self.media = MediaHost(folder / "media")
        self.phones = {
            number: Phone(self.network, account) for number, account in self.network.accounts.items()
        }
        self._transfers: set[asyncio.Task[None]] = set()
        self._desk = desk(self.network, self.phones, self.media)

    def close(self) -> None:
        """Write everything and close."""
        self.network.close()

    def add_phone(self, number: str, name: str) -> Phone:
        """A phone with an account of this number, or the one that is there, renamed."""
        phone = self.phones.get(number)
        if phone is None:
            phone = self.phones[number] = Phone(self.network, self.network.add_account(number, name))
        elif phone.account.name != name:
            phone.account.name = name
            self.network.save(phone.account)
        return phone

    def phone(self, text: str, field: str = "phone") -> Phone:
        """The phone that somebody means; raises `Problem`."""
        account = self.network.account(Jid.parse(to_jid(text, field)))
        if account is None:
            raise Problem(404, "PHONE_NOT_FOUND", f"{field}: there is no such phone in the sandbox")
        return self.phones[account.number]

    def refuses(self) -> bool:
        """Whether connections are refused now."""
        return self.network.faults.refuses()

    def chat(self, pipe: Pipe) -> Connection:
        """A client opened a websocket."""
        return Connection(self.network, self.pairings, self.identity, self._desk, pipe)

    def serve_media(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client asks a media host."""
        task = asyncio.create_task(mediaserver.serve(self.media, reader, writer), name="sandbox media")
        self._transfers.add(task)
        task.add_done_callback(self._transfers.discard)


def number_of(text: str) -> str:
    """The phone number that somebody wrote; raises `Problem`."""
    jid = Jid.parse(to_jid(text))
    if jid.server != USER:
        raise invalid("phone", "must be a phone number")
    return jid.user
