"""What businesses send (buttons, lists, templates, products, orders) and what people choose in it."""

from typing import Any

import msgspec

from wagateway.events.parts import Listing, ListRow, ListSection, Order
from workers.content.fields import field, lines, words
from workers.content.files import file_of, file_of_header
from workers.content.shapes import Content, MediaPart

_MOST_CARDS = 16
_LARGEST_JSON = 16 * 1024


class _Params(msgspec.Struct):
    """What is read of a button's or an answer's JSON, which the sender wrote."""

    id: str = ""
    display_text: str = ""
    title: str = ""


def buttons(part: Any) -> Content:
    """Text over up to a handful of buttons."""
    labels = [button.buttonText.displayText for button in part.buttons]
    text = lines(part.text, part.contentText, part.footerText, *labels)
    return _summary("buttons", text, file_of_header(part))


def template(part: Any) -> Content:
    """A business's template, in whichever of its forms is filled in."""
    if part.HasField("interactiveMessageTemplate"):
        return msgspec.structs.replace(interactive(part.interactiveMessageTemplate), kind="template")
    if part.HasField("fourRowTemplate"):
        four = part.fourRowTemplate
        text = lines(four.content.elementName, four.footer.elementName)
        return _summary("template", text, file_of_header(four))
    rows = part.hydratedTemplate
    if not part.HasField("hydratedTemplate"):
        rows = part.hydratedFourRowTemplate
    labels = [
        button.quickReplyButton.displayText or button.urlButton.displayText or button.callButton.displayText
        for button in rows.hydratedButtons
    ]
    text = lines(rows.hydratedTitleText, rows.hydratedContentText, rows.hydratedFooterText, *labels)
    return _summary("template", text, file_of_header(rows))


def structured(part: Any) -> Content:
    """The older form of a template."""
    if part.HasField("hydratedHsm"):
        return template(part.hydratedHsm)
    return Content(kind="template", text=words(part.elementName))


def interactive(part: Any) -> Content:
    """Text with buttons, or cards side by side each with its own."""
    cards = list(part.carouselMessage.cards)[:_MOST_CARDS]
    text = lines(_interactive_text(part), *(_interactive_text(card) for card in cards))
    return _summary("interactive", text, file_of_header(part.header))


def interactive_reply(part: Any) -> Content:
    """What somebody chose in an interactive message."""
    params = _params(part.nativeFlowResponseMessage.paramsJSON)
    text = words(part.body.text) or params.display_text or params.title or params.id
    return Content(kind="buttons_reply", text=text, chosen_id=params.id)


def buttons_reply(part: Any) -> Content:
    """Which button somebody chose."""
    chosen = words(field(part, "selectedButtonID", "") or field(part, "selectedID", ""))
    text = words(part.selectedDisplayText) or chosen
    return Content(kind="buttons_reply", text=text, chosen_id=chosen)


def list_reply(part: Any) -> Content:
    """Which row of a list somebody chose."""
    chosen = words(part.singleSelectReply.selectedRowID)
    text = lines(part.title, part.description) or chosen
    return Content(kind="list_reply", text=text, chosen_id=chosen)


def listing(part: Any) -> Content:
    """A list to choose from."""
    sections = [
        ListSection(
            title=words(section.title),
            rows=[
                ListRow(title=words(row.title), description=words(row.description), row_id=words(row.rowID))
                for row in section.rows
            ],
        )
        for section in part.sections
    ]
    shown = Listing(
        title=words(part.title),
        description=words(part.description),
        button=words(part.buttonText),
        footer=words(part.footerText),
        sections=sections,
    )
    rows = [row.title for section in sections for row in section.rows]
    text = lines(shown.title, shown.description, shown.footer, *rows)
    return Content(kind="list", text=text, listing=shown)


def order(part: Any) -> Content:
    """An order from a catalogue."""
    made = Order(
        order_id=words(part.orderID),
        title=words(part.orderTitle),
        message=words(part.message),
        items=part.itemCount,
        status=part.status,
        surface=part.surface,
        seller=words(part.sellerJID),
        token=words(part.token),
        total=part.totalAmount1000,
        currency=words(part.totalCurrencyCode),
        catalog=words(part.catalogType),
        version=part.messageVersion,
    )
    return Content(kind="order", text=lines(made.title, made.message), order=made)


def product(part: Any) -> Content:
    """One product of a catalogue, with its picture."""
    item = part.product
    media = file_of(item.productImage, "image")
    return Content(
        kind="product",
        text=lines(item.title, item.description, part.body, part.footer),
        media_type="image" if media else "",
        media=media,
    )


def _interactive_text(part: Any) -> str:
    labels = [_params(button.buttonParamsJSON).display_text for button in part.nativeFlowMessage.buttons]
    return lines(part.header.title, part.header.subtitle, part.body.text, part.footer.text, *labels)


def _params(text: str | bytes) -> _Params:
    raw = words(text)
    if not raw or len(raw) > _LARGEST_JSON:
        return _Params()
    try:
        return msgspec.json.decode(raw, type=_Params)
    except (msgspec.DecodeError, RecursionError):
        return _Params()


def _summary(kind: str, text: str, media: MediaPart | None) -> Content:
    return Content(kind=kind, text=text, media=media, media_type=media.kind if media else "")
