"""The calls into neonize about newsletters, each blocking: for the engine's threads."""

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from workers import refusals
from workers.facts import NewsletterFacts, PostFacts
from workers.neonize_calls import Calls, in_c, sized
from workers.neonize_facts import newsletter_facts, post_facts
from workers.neonize_jids import jid_of


class Newsletters:
    """What can be asked and changed about newsletters; all raise `Problem`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def all(self) -> list[NewsletterFacts]:
        """The newsletters that the account follows or owns."""
        raw = self._calls.ask("GetSubscribedNewsletters")
        reply = pb.GetSubscribedNewslettersReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return [newsletter_facts(each) for each in reply.Newsletter]

    def one(self, jid: str) -> NewsletterFacts:
        """A newsletter."""
        return _facts(self._calls.ask("GetNewsletterInfo", *sized(jid_of(jid))))

    def of_invite(self, code: str) -> NewsletterFacts:
        """The newsletter that the code of an invite link is for."""
        return _facts(self._calls.ask("GetNewsletterInfoWithInvite", in_c(code)))

    def posts(self, jid: str, count: int, before: int) -> list[PostFacts]:
        """Posts before the one with this server id (0: the newest), oldest first."""
        raw = self._calls.ask("GetNewsletterMessages", *sized(jid_of(jid)), count, before)
        reply = pb.GetNewsletterMessageUpdateReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_query(reply.Error)
        posts = [post_facts(each) for each in reply.NewsletterMessage]
        return sorted(posts, key=lambda post: post.server_id)

    def follow(self, jid: str, *, follow: bool) -> None:
        """Follow or unfollow a newsletter."""
        self._change("FollowNewsletter" if follow else "UnfollowNewsletter", jid)

    def mute(self, jid: str, *, muted: bool) -> None:
        """Want notice of its posts no more, or again."""
        self._change("NewsletterToggleMute", jid, muted)

    def _change(self, name: str, jid: str, *arguments: int) -> None:
        if text := self._calls.ask(name, *sized(jid_of(jid)), *arguments):
            raise refusals.of_newsletter(text.decode())


def _facts(raw: bytes) -> NewsletterFacts:
    reply = pb.CreateNewsLetterReturnFunction.FromString(raw)
    if reply.Error:
        raise refusals.of_query(reply.Error)
    if not reply.HasField("NewsletterMetadata"):  # WhatsApp said neither what it is nor why not
        raise refusals.not_on_whatsapp("WhatsApp knows no such newsletter")
    return newsletter_facts(reply.NewsletterMetadata)
