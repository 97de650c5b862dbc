"""Reading the settings from flags, environment and `.env`, in this order of precedence."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

import msgspec
from dotenv import dotenv_values

from wagateway.settings.checks import Refused, check
from wagateway.settings.forms import LENGTH_FORM, length
from wagateway.settings.table import Seconds, Secret, Settings

PREFIX = "WAGATEWAY_"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def load(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, program: str = "wagateway"
) -> Settings:
    """Settings from everything that may say something; raises `Refused`. `folder` is where `.env` is."""
    flags = _flags(arguments, program)
    variables = {key: value for key, value in dotenv_values(folder / ".env").items() if value is not None}
    variables |= environment
    _refuse_unknown(variables)
    values: dict[str, Any] = {}
    for name, (kind, meta) in declared().items():
        env, flag = meta["env"], meta["flag"]
        if name in flags:
            values[name] = _convert(flag, flags[name], kind)
        elif variables.get(env, "") != "":
            values[name] = _convert(env, variables[env], kind)
    settings = Settings(**values)
    check(settings)
    return settings


def declared() -> dict[str, tuple[object, dict[str, str]]]:
    """Each setting by its name: its type, and its `env`, `flag` and `text`."""
    hints = get_type_hints(Settings, include_extras=True)
    fields = {}
    for name, hint in hints.items():
        kind, meta = get_args(hint)
        fields[name] = (kind, meta.extra | {"text": meta.description})
    return fields


def _flags(arguments: Sequence[str], program: str) -> dict[str, str]:
    parser = _Parser(
        prog=program,
        description="WhatsApp HTTP gateway: every account in a process of its own.",
        epilog="Flags win over the environment, the environment over .env.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    for name, (kind, meta) in declared().items():
        optional: dict[str, Any] = {"nargs": "?", "const": "true"} if kind is bool else {}
        text = f"{meta['text']} [{meta['env']}]"
        parser.add_argument(meta["flag"], dest=name, help=text, metavar="VALUE", **optional)
    return vars(parser.parse_args(list(arguments)))


def _refuse_unknown(variables: Mapping[str, str]) -> None:
    known = {meta["env"] for _, meta in declared().values()}
    unknown = sorted(name for name in variables if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise Refused(f"{unknown[0]} is not a setting of wagateway; see wagateway --help")


def _convert(name: str, text: str, kind: Any) -> object:
    value: object = text.strip()
    if get_args(kind) and kind in (list[str], list[Secret]):
        value = [part.strip() for part in text.split(",") if part.strip()]
    if kind == list[Secret]:
        value = [Secret(part) for part in value]  # type: ignore[attr-defined]
    if kind == Secret | None:
        return Secret(text)
    if kind is Seconds:
        if (seconds := length(text)) is None:
            raise Refused(f"{name}: {LENGTH_FORM}")
        return seconds
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=lambda to, raw: to(raw))
    except msgspec.ValidationError:
        expected = (
            " | ".join(get_args(kind)) if get_origin(kind) is Literal else getattr(kind, "__name__", kind)
        )
        raise Refused(f"{name}: this value is not a valid {expected}") from None
