"""The gate's codes in the words of the pages."""

from collections.abc import Mapping

from alerts_api.reveal.gate import RequestState, RevealOutcome, RevealReason, RevealRefusal

REASONS: Mapping[RevealReason, str] = {
    RevealReason.COMPROMISE: "The account looks stolen and has to be secured",
    RevealReason.FALSE_POSITIVE: "The reader has to be asked whether it was their own use",
}

OUTCOMES: Mapping[RevealOutcome, str] = {
    RevealOutcome.SECURED: "The account was secured",
    RevealOutcome.OWN_USE: "The reader confirmed that it was their own use",
    RevealOutcome.NOT_REACHED: "The reader could not be reached",
    RevealOutcome.NOT_OPENED: "The name was not opened",
}

STATES: Mapping[RequestState, str] = {
    RequestState.WAITING: "waits for an answer",
    RequestState.DENIED: "denied",
    RequestState.LAPSED: "lapsed: ask again if it is still needed",
    RequestState.GRANTED: "granted: can be opened within a day",
    RequestState.TICKETED: "ticket given out",
    RequestState.RELEASED: "released: the outcome is to be told",
    RequestState.CLOSED: "closed",
}

REFUSALS: Mapping[RevealRefusal, str] = {
    RevealRefusal.NOT_A_HOLDER: "Only key-holders may ask.",
    RevealRefusal.UNTRAINED: "No valid training is recorded for you. The data protection officer records it.",
    RevealRefusal.NOT_CONFIRMED: "You have not proved lately that it is you. Sign in again and repeat it.",
    RevealRefusal.NO_ALERT: "There is no such alert any more.",
    RevealRefusal.OTHER_ACCOUNT: "The alert is about another account. Open its page again.",
    RevealRefusal.NOT_TRIAGED: "The alert has no verdict. First an analyst looks at it and judges.",
    RevealRefusal.UNSEEN: (
        "The verdict is by somebody who had not opened the alert's page. Have it judged there."
    ),
    RevealRefusal.NO_REASON: "That is no reason for which a name may be asked for.",
    RevealRefusal.SHORT_TEXT: (
        "Say in 30 characters or more why it is needed; what looks like a name is left out."
    ),
    RevealRefusal.NO_CASE: "The case reference is not one of the service desk's.",
    RevealRefusal.NOT_SEALED: "It is not kept whose account this is: it was not sealed, or has been deleted.",
    RevealRefusal.OTHER_SEAL: (
        "What the database keeps for this account was sealed for another, or not by this site's ingest host. "
        "Somebody changed it: nothing was given out. Tell the data protection officer."
    ),
    RevealRefusal.UNDER_WAY: "You have asked for this alert already. See your requests.",
    RevealRefusal.UNREVIEWED: "Your last urgent request has not been looked at by a second person yet.",
    RevealRefusal.BARRED: (
        "Your last urgent request was found not right. The data protection officer has to allow you urgent "
        "ones again; until then a second person answers first."
    ),
    RevealRefusal.NO_REQUEST: "There is no such request.",
    RevealRefusal.NOT_YOURS: "That is somebody else's request.",
    RevealRefusal.OWN_REQUEST: "Your own request is for somebody else to answer.",
    RevealRefusal.NOT_AN_APPROVER: "Only approvers and the data protection officer may answer.",
    RevealRefusal.NOT_THE_DPO: "This reader is restricted: only the data protection officer may answer.",
    RevealRefusal.NOT_WAITING: "It does not wait for that any more.",
    RevealRefusal.NOT_GRANTED: "It is not granted, or was taken already. A second time is a new request.",
    RevealRefusal.RESTRICTED: (
        "The reader has been restricted since. The data protection officer has to allow it."
    ),
    RevealRefusal.NO_TICKET: (
        "This ticket does not work: used, too old, or none. A second time is a new request."
    ),
    RevealRefusal.NOT_RELEASED: "Nothing was released for it.",
    RevealRefusal.FILED: "Its outcome is told already.",
    RevealRefusal.CONTRADICTED: "The audit log says that the name was opened. Tell what became of it.",
    RevealRefusal.NOT_REJECTED: "It is not an urgent request that was found not right.",
    RevealRefusal.NO_OUTCOME: "Choose what became of it.",
}
