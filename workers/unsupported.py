"""What neonize cannot do, and why: the one place that says so."""

from wagateway.contract import Problem
from workers.engine import Feature

ENGINE = "neonize 0.5.2"

_WHY: dict[Feature, str] = {
    "app_state": "its SendAppState loses the name of the collection, so WhatsApp would refuse every change "
    "(star, delete for me, pin, archive, mute, label, mark unread)",
    "business_profile": "it has no call for business profiles",
    "join_request_answers": "it can list join requests but has no call to approve or reject them",
    "older_history": "it cannot send the request to the phone",
    "passkey": "it has no call to pair by passkey",
}


def unsupported(feature: Feature) -> Problem:
    """501 `ENGINE_UNSUPPORTED`, saying what and why."""
    return Problem(
        501,
        "ENGINE_UNSUPPORTED",
        f"The engine ({ENGINE}) cannot do this: {_WHY[feature]}. Nothing was changed",
        result={"feature": feature, "engine": ENGINE},
    )
