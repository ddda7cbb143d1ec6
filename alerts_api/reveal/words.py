"""The gate's codes in the words of the pages."""

from collections.abc import Mapping

from alerts_api.reveal.gate import Outcome, Reason, Refusal, State

REASONS: Mapping[Reason, str] = {
    Reason.COMPROMISE: "The account looks stolen and has to be secured",
    Reason.FALSE_POSITIVE: "The reader has to be asked whether it was their own use",
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.SECURED: "The account was secured",
    Outcome.OWN_USE: "The reader confirmed that it was their own use",
    Outcome.NOT_REACHED: "The reader could not be reached",
    Outcome.NOT_OPENED: "The name was not opened",
}

STATES: Mapping[State, str] = {
    State.WAITING: "waits for an answer",
    State.DENIED: "denied",
    State.LAPSED: "lapsed: ask again if it is still needed",
    State.GRANTED: "granted: can be opened within a day",
    State.TICKETED: "ticket given out",
    State.RELEASED: "released: the outcome is to be told",
    State.CLOSED: "closed",
}

REFUSALS: Mapping[Refusal, str] = {
    Refusal.NOT_A_HOLDER: "Only key-holders may ask.",
    Refusal.UNTRAINED: "No valid training is recorded for you. The data protection officer records it.",
    Refusal.NOT_CONFIRMED: "You have not proved lately that it is you. Sign in again and repeat it.",
    Refusal.NO_ALERT: "There is no such alert any more.",
    Refusal.OTHER_ACCOUNT: "The alert is about another account. Open its page again.",
    Refusal.NOT_TRIAGED: "The alert has no verdict. First an analyst looks at it and judges.",
    Refusal.UNSEEN: "The verdict is by somebody who had not opened the alert's page. Have it judged there.",
    Refusal.NO_REASON: "That is no reason for which a name may be asked for.",
    Refusal.SHORT_TEXT: "Say in 30 characters or more why it is needed; what looks like a name is left out.",
    Refusal.NO_CASE: "The case reference is not one of the service desk's.",
    Refusal.NOT_SEALED: "It is not kept whose account this is: it was not sealed, or has been deleted.",
    Refusal.UNDER_WAY: "You have asked for this alert already. See your requests.",
    Refusal.UNREVIEWED: "Your last urgent request has not been looked at by a second person yet.",
    Refusal.NO_REQUEST: "There is no such request.",
    Refusal.NOT_YOURS: "That is somebody else's request.",
    Refusal.OWN_REQUEST: "Your own request is for somebody else to answer.",
    Refusal.NOT_AN_APPROVER: "Only approvers and the data protection officer may answer.",
    Refusal.NOT_THE_DPO: "This reader is restricted: only the data protection officer may answer.",
    Refusal.NOT_WAITING: "It does not wait for that any more.",
    Refusal.NOT_GRANTED: "It is not granted, or was taken already. A second time is a new request.",
    Refusal.RESTRICTED: "The reader has been restricted since. The data protection officer has to allow it.",
    Refusal.NO_TICKET: "This ticket does not work: used, too old, or none. A second time is a new request.",
    Refusal.NOT_RELEASED: "Nothing was released for it.",
    Refusal.FILED: "Its outcome is told already.",
    Refusal.NO_OUTCOME: "Choose what became of it.",
}
