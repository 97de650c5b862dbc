"""The entry point of wagatewayctl: nouns, verbs and what every one of them shares."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from wagateway import settings
from wagateway.contract import Problem
from wagateway.ctl import devices, doctor, events, login, logs, sandbox, status, webhooks
from wagateway.ctl.asking import Failure, Place
from wagateway.ctl.nouns import Nouns
from wagateway.wire import runtime_folder

_NOUNS = (status, devices, login, webhooks, events, logs, sandbox, doctor)


def nouns() -> list[str]:
    """The first words it knows."""
    return [noun.__name__.rpartition(".")[2] for noun in _NOUNS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words say; returns the exit code."""
    unsaid = argparse.Namespace(json=False, storage=None, runtime=None)
    words = _parser().parse_args(arguments, unsaid)
    try:
        return int(words.verb(_place(words), words))
    except Problem as problem:
        return _fail(problem.message, 1)
    except Failure as failure:
        return _fail(str(failure), failure.code)
    except settings.Refused as refused:
        return _fail(str(refused), 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `wagatewayctl logs | head`: nothing more can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(f"wagatewayctl: {sentence}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("--json", action="store_true", help="JSON on stdout")
    shared.add_argument("--storage", metavar="PATH", help="the gateway's data [WAGATEWAY_STORAGE]")
    shared.add_argument("--runtime", metavar="PATH", help="the gateway's sockets [WAGATEWAY_RUNTIME]")
    parser = argparse.ArgumentParser(
        prog="wagatewayctl", description="Look at and control a running wagateway.", parents=[shared]
    )
    words = Nouns(parser, shared)
    for noun in _NOUNS:
        noun.add(words)
    return parser


def _place(words: argparse.Namespace) -> Place:
    given = {"--storage": words.storage, "--runtime": words.runtime}
    flags = [f"{flag}={value}" for flag, value in given.items() if value is not None]
    configured = settings.load(flags, os.environ, Path.cwd(), "wagatewayctl")
    return Place(configured.storage, runtime_folder(configured.runtime, configured.storage))


if __name__ == "__main__":
    sys.exit(main())
