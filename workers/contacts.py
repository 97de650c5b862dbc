"""The contacts of an account: the session's address book and the names that messages told, as one list."""

from collections.abc import Iterable

import msgspec

from wagateway.commands.users import Contact
from wagateway.phone import is_person, user_of
from workers.facts import ContactFacts
from workers.shard.people import Person


def contact_list(
    facts: Iterable[ContactFacts], people: dict[str, Person], named: Iterable[Person]
) -> list[Contact]:
    """Everybody once, by name. `people` tells who the contacts are, `named` who has told us their name."""
    merged: dict[str, ContactFacts] = {}
    for contact in facts:
        person = people.get(contact.jid) or Person(contact.jid, contact.lid, "")
        known = msgspec.structs.replace(contact, jid=person.jid, lid=contact.lid or person.lid)
        if is_person(known.jid):
            merged[known.jid] = _merged(merged.get(known.jid), known)
    for person in named:
        if is_person(person.jid):
            told = ContactFacts(jid=person.jid, lid=person.lid, push_name=person.name)
            merged[person.jid] = _merged(merged.get(person.jid), told)
    return sorted(map(_contact, merged.values()), key=lambda one: (one.name.casefold(), one.jid))


def best_name(contact: ContactFacts) -> str:
    """The best of the names known of somebody, "" when there is none."""
    return contact.full_name or contact.push_name or contact.business_name or contact.first_name


def _merged(first: ContactFacts | None, second: ContactFacts) -> ContactFacts:
    """What two places say of one person, the first before the second."""
    if first is None:
        return second
    fields = msgspec.structs.asdict(second)
    told = {name: value for name, value in msgspec.structs.asdict(first).items() if value}
    return ContactFacts(**fields | told)


def _contact(facts: ContactFacts) -> Contact:
    return Contact(
        jid=facts.jid,
        name=best_name(facts) or user_of(facts.jid),
        lid=facts.lid,
        full_name=facts.full_name,
        push_name=facts.push_name,
        business_name=facts.business_name,
    )
