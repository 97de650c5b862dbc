"""The words that wagatewayctl understands: how a noun's file adds its verbs."""

import argparse
from collections.abc import Callable, Sequence

import msgspec

from wagateway.ctl.asking import Place

Verb = Callable[[Place, argparse.Namespace], int]
"""What a verb does; it returns the exit code."""


class Argument(msgspec.Struct, frozen=True):
    """One argument of a verb: `*names` and options as argparse takes them."""

    names: tuple[str, ...]
    options: dict[str, object] = {}


def argument(*names: str, **options: object) -> Argument:
    """An argument of a verb."""
    return Argument(names, options)


class Nouns:
    """The level of words that is being filled; `within` opens the level below a noun."""

    def __init__(self, parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
        self._words = parser.add_subparsers(metavar="WORD", required=True, title="words")
        self._shared = shared

    def add(self, name: str, verb: Verb, text: str, arguments: Sequence[Argument] = ()) -> None:
        """A verb and what it takes."""
        first = text.partition("\n")[0]
        parser = self._words.add_parser(name, help=first, description=text, parents=[self._shared])
        for each in arguments:
            parser.add_argument(*each.names, **each.options)  # type: ignore[arg-type]
        parser.set_defaults(verb=verb)

    def within(self, name: str, text: str) -> "Nouns":
        """The verbs of a noun."""
        return Nouns(
            self._words.add_parser(name, help=text, description=text, parents=[self._shared]), self._shared
        )
