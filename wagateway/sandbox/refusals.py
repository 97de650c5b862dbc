"""The errors that WhatsApp answers requests with, by its own codes and words."""

_TEXTS = {
    400: "bad-request",
    401: "not-authorized",
    403: "forbidden",
    404: "item-not-found",
    406: "not-acceptable",
    409: "conflict",
    410: "gone",
    501: "feature-not-implemented",
}


class Refusal(Exception):
    """A request answered with an error: `code` and `text` as WhatsApp has them."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or _TEXTS[code])
        self.code = code
        self.text = text or _TEXTS[code]
