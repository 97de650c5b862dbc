"""Every field of every route refuses what it cannot be, and says which field it was."""

import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from tests.front.conftest import Answer, Stage
from tests.front.samples import DEVICE, Sample, samples
from wagateway.front.fields import Fields

SAMPLES = list(samples())
WRONG: dict[str, Any] = {
    "object": {"a": {"b": 1}},
    "list": [[["x"]]],
    "truth": True,
    "number": 12.5,
    "huge number": 10**40,
    "NUL": "a\0b",
    "NUL in a list": ["a\0b"],
    "text": "no such thing",
}
RAW = {
    "lone surrogate": b'"\\ud800"',
    "number beyond all floats": b"1e999",
    "number of 5000 digits": b"9" * 5000,
    "deep list": b"[" * 1000 + b"]" * 1000,
    "deep object": b'{"a":' * 1000 + b"1" + b"}" * 1000,
}


def fits(kind: Any, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return "\0" not in str(value)


def settable(sample: Sample) -> Fields:
    """What can be given beside the path."""
    fields = Fields(sample.command)
    captured = [name for name in fields.by_name if f"{{{name}}}" in sample.route.path]
    for name in (*captured, "idempotency_key", *(["device_id"] if sample.route.path != "/devices" else [])):
        fields.by_name.pop(name, None)
    return fields


def refused(answer: Answer, name: str, *what: object) -> None:
    assert 400 == answer.status, (*what, name, answer)
    assert "VALIDATION_ERROR" == answer.code, (*what, name, answer)
    assert name in answer.message, (*what, name, answer)


@pytest.fixture
async def device(stage: Stage) -> Stage:
    stage.add(DEVICE, jid="628111@s.whatsapp.net", worker="running")
    return stage


async def test_a_value_of_a_wrong_kind_is_refused_by_the_name_of_its_field(device: Stage) -> None:
    for sample in SAMPLES:
        if sample.route.method == "GET":
            continue
        for name, field in settable(sample).by_name.items():
            for what, value in WRONG.items():
                texts = field.number and isinstance(value, str)
                if fits(field.type, value) or (texts and fits(float, value)):
                    continue
                body = {**sample.values, name: value}
                answer = await device.call(sample.route.method, sample.path, DEVICE, json=body)
                refused(answer, name, sample.route, what)
    assert [] == device.asked


async def test_json_that_nothing_can_hold_is_refused_in_every_field(device: Stage) -> None:
    for sample in SAMPLES:
        if sample.route.method == "GET":
            continue
        for name, field in settable(sample).by_name.items():
            for what, raw in RAW.items():
                if "dict" in str(field.type) and what == "deep object":
                    continue
                rest = {key: value for key, value in sample.values.items() if key != name}
                body = json.dumps(rest).encode().rstrip(b"}") + (b"," if rest else b"")
                body += json.dumps(name).encode() + b":" + raw + b"}"
                answer = await device.call(
                    sample.route.method,
                    sample.path,
                    DEVICE,
                    data=body,
                    headers={"Content-Type": "application/json"},
                )
                assert 400 == answer.status, (sample.route, name, what, answer)
                assert answer.code in ("VALIDATION_ERROR", "BAD_REQUEST"), (sample.route, name, what)
    assert [] == device.asked


async def test_a_wrong_text_in_a_query_is_refused_by_the_name_of_its_field(device: Stage) -> None:
    for sample in SAMPLES:
        if sample.route.method != "GET":
            continue
        for name in settable(sample).by_name:
            given = {**sample.values, name: "a\0b"}
            query = "&".join(f"{key}={quote(str(value))}" for key, value in given.items())
            answer = await device.call("GET", f"{sample.path}?{query}", DEVICE)
            refused(answer, name, sample.route)
    assert [] == device.asked


async def test_a_field_that_is_not_one_is_refused_by_its_name(device: Stage) -> None:
    for sample in SAMPLES:
        if sample.files:
            continue
        if sample.route.method == "GET":
            pairs = "".join(f"&{key}={quote(str(value))}" for key, value in sample.values.items())
            answer = await device.call("GET", f"{sample.path}?no_such_field=1{pairs}", DEVICE)
        else:
            body = {**sample.values, "no_such_field": 1}
            answer = await device.call(sample.route.method, sample.path, DEVICE, json=body)
        refused(answer, "no_such_field", sample.route)
    assert [] == device.asked


async def test_a_field_that_is_missing_is_named(device: Stage) -> None:
    for sample in SAMPLES:
        if sample.route.method == "GET":
            continue
        for name in sample.values:
            body = {key: value for key, value in sample.values.items() if key != name}
            answer = await device.call(sample.route.method, sample.path, DEVICE, json=body)
            refused(answer, name, sample.route)
    assert [] == device.asked
