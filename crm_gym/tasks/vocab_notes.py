"""What people write down after a call: openers, news by how the relation stands, and what comes next.

No digits and no word of the CRM's own enums: nothing in a note can be taken for a value of another field.
"""

from __future__ import annotations

OPENERS = (
    "Call w {who}:", "Spoke to {who},", "Quick mtg with {who} -", "{who} rang,", "Tel. {who}:", "Coffee with {who};",
    "VM from {who}:", "Mail from {who},", "Site visit, {who} showed us round:", "Caught {who} at the fair -",
    "fyi {who} says", "Chat w {who} (short):", "Follow-up with {who}:", "{who} back from leave,",
    "re {project}: {who} says",
    "on {project}, {who} again:", "Lunch, {who} + team:", "Video call, {who} (bad line):",
)  # fmt: skip

NEWS = {
    "good": (
        "very happy w the pilot", "team loves the demo", "budget is in place for next qtr", "wants to go ahead asap",
        "board is on our side", "will recommend us to the sister plant", "no open tickets, all smooth",
        "asked for the long service option", "happy to be a reference", "keen to add a second site",
        "procurement has no objections", "says delivery was spot on",
    ),
    "mixed": (
        "still comparing us with one other house", "needs sign-off from finance first",
        "likes it, price is the sticking pt",
        "timeline slipped a bit, holidays", "new boss wants to see everything again", "waiting for their audit to end",
        "legal is slow, nothing dramatic", "two depts, two opinions", "asks for references in their trade",
        "wants a smaller first step", "unclear who decides now", "pls keep warm, no rush",
    ),
    "poor": (
        "not happy w response times", "complained about the last invoice", "budget frozen until further notice",
        "key sponsor has left", "thinks we oversold it", "has not answered for weeks", "escalation on the late parts",
        "was rather short on the phone", "threatens to look elsewhere", "reorg, everything on hold",
        "says the competition is cheaper", "wants credit for the outage",
    ),
}  # fmt: skip

NEXT_STEPS = (
    "will call again Tues", "to send the revised specs", "I owe them the drawings", "next: workshop on site",
    "pls loop in support",
    "follow up after the holidays", "need an answer from pricing", "book a room f the demo",
    "ask {other} to join next time",
    "{other} takes over from here", "waiting on {other}", "cc {other} on everything", "tbc", "nothing to do for now",
    "remind me end of month", "check stock first", "prep slides w {other}", "get the NDA sorted", "talk to logistics",
    "see mail thread", "visit planned w {other}", "must not forget the samples",
)  # fmt: skip
