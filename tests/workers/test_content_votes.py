"""Votes and edits are opened with the secret of the message that they are about."""

from wagateway.whatsapp.polls import seal_edit, seal_vote, vote_hashes
from wagateway.whatsapp.protos import E2E, Common
from workers.content import Content, interpret, option_texts, poll_secret, unseal

SECRET = bytes(range(32))
ASKER, ASKER_LID = "491@s.whatsapp.net", "901@lid"
VOTER, VOTER_LID = "492@s.whatsapp.net", "902@lid"
KEY = Common.MessageKey(ID="P1", remoteJID=ASKER)


def poll() -> E2E.Message:
    made = E2E.Message(
        pollCreationMessageV3=E2E.PollCreationMessage(
            name="Tea?",
            options=[E2E.PollCreationMessage.Option(optionName=text) for text in ("tea ☕", "water", "none")],
        )
    )
    made.messageContextInfo.messageSecret = SECRET
    return made


def vote(*options: str) -> Content:
    payload, iv = seal_vote(SECRET, "P1", ASKER_LID, VOTER_LID, options)
    update = E2E.PollUpdateMessage(
        pollCreationMessageKey=KEY, vote=E2E.PollEncValue(encPayload=payload, encIV=iv)
    )
    read = interpret(E2E.Message(pollUpdateMessage=update))
    assert read is not None
    return read


def edit(message: E2E.Message) -> Content:
    payload, iv = seal_edit(SECRET, "P1", ASKER_LID, ASKER_LID, message)
    sealed = E2E.SecretEncryptedMessage(
        targetMessageKey=KEY,
        encPayload=payload,
        encIV=iv,
        secretEncType=E2E.SecretEncryptedMessage.MESSAGE_EDIT,
    )
    read = interpret(E2E.Message(secretEncryptedMessage=sealed))
    assert read is not None
    return read


def test_the_options_of_a_vote_are_texts_whichever_identities_it_was_sealed_with() -> None:
    opened = unseal(vote("none", "tea ☕"), poll(), [ASKER, ASKER_LID], [VOTER, "", VOTER_LID])
    assert opened is not None
    assert (("tea ☕", "none"), "tea ☕\nnone", None) == (opened.choices, opened.text, opened.sealed)


def test_a_withdrawn_vote_chooses_nothing() -> None:
    opened = unseal(vote(), poll(), [ASKER_LID], [VOTER_LID])
    assert opened is not None
    assert () == opened.choices


def test_a_vote_of_somebody_else_is_not_opened() -> None:
    assert unseal(vote("water"), poll(), [ASKER_LID], [VOTER]) is None


def test_a_vote_in_a_poll_without_a_secret_stays_sealed() -> None:
    assert unseal(vote("water"), E2E.Message(), [ASKER_LID], [VOTER_LID]) is None


def test_a_vote_for_what_is_not_in_the_poll_is_left_out() -> None:
    assert ["water"] == option_texts(poll(), vote_hashes(["water", "beer"]))
    assert [] == option_texts(E2E.Message(conversation="no poll"), vote_hashes(["water"]))


def test_a_secret_is_found_outside_and_inside_a_wrapper() -> None:
    wrapped = E2E.Message(ephemeralMessage=E2E.FutureProofMessage(message=poll()))
    assert (SECRET, SECRET, b"") == (poll_secret(poll()), poll_secret(wrapped), poll_secret(E2E.Message()))


def test_a_sealed_edit_is_of_the_message_that_its_secret_belongs_to() -> None:
    inner = E2E.ProtocolMessage(
        key=Common.MessageKey(ID="SOMEBODY_ELSES"),
        type=E2E.ProtocolMessage.MESSAGE_EDIT,
        editedMessage=E2E.Message(conversation="better"),
    )
    opened = unseal(edit(E2E.Message(protocolMessage=inner)), poll(), [ASKER_LID], [ASKER_LID])
    assert opened is not None
    assert ("edit", "better", "P1") == (opened.kind, opened.text, opened.target_id)


def test_a_sealed_edit_may_hold_nothing_but_the_new_message() -> None:
    opened = unseal(edit(E2E.Message(conversation="better")), poll(), [ASKER_LID], [ASKER_LID])
    assert opened is not None
    assert "better" == opened.text
