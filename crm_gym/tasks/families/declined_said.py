"""How people insist on what the CRM refuses. The sentences come without full stop; every fourth is held out."""

from __future__ import annotations

from crm_gym.tasks.saying import WORDS as USUAL_WORDS

WORDS: dict[str, tuple[str, ...]] = USUAL_WORDS | {
    "name": ("name", "name field", "name of the record", "name on file"),
    "entity_type": ("type of record", "record type", "entity type", "sort of record (entity type)"),
    "file_name": ("file name", "name of the file", "name of the document file", "file's own name"),
    "type": ("type", "company type", "type of company", "sort of company (type)"),
    "created_date": ("creation date", "created date", "date of creation", "record's creation date"),
    "contacts": ("contact person", "contact's name", "person there (contact)", "name among the contacts"),
    "client_id": ("client", "client to file it under", "client it belongs to", "client in question"),
    "opportunity_id": ("deal", "deal to file it under", "deal it belongs to", "deal in question"),
    "start_date": ("start date", "first day (start date)", "starting date", "date of the start"),
    "end_date": ("end date", "last day (end date)", "ending date", "date of the end"),
}
"""What people call the fields; the fourth of each for held-out requests only."""

STRANGERS: dict[str, tuple[str, ...]] = {
    "Inactive": ("Dormant", "VIP", "On Hold", "Lead", "Churned"),
    "Closed-Lost": ("On Hold", "Verbal Yes", "Contracting", "Discovery", "Stalled"),
    "Canceled": ("Accepted", "Cancelled", "Withdrawn", "In Review", "Signed"),
    "Expired": ("Signed", "Terminated", "Renewed", "Suspended", "Running"),
    "Competitor": ("Supplier", "Reseller", "Rival", "Distributor", "Customer"),
    "Client": ("Contact", "Company", "Note", "Person", "Folder"),
    "Contract": ("Document", "Company", "Person", "Offer", "Folder"),
}
"""Last member of an enum to words that people take for members of it."""

_TEXT = (
    "The {what} has to be {value}, exactly as it stands here",
    "Enter {value} as the {what}[, letter for letter| and do not tidy it up]",
    "For the {what} use {value} and no other spelling",
    "I want the {what} to read {value}, unaltered",
    "Put the {what} down as {value}; [our import|the report] needs it [precisely so|in just that form]",
    "Make the {what} {value}[ verbatim|, character by character]",
    "The {what} should say {value}, [left as I wrote it|nothing added and nothing taken away]",
    "What goes into the {what} is {value}, with no correction of any sort",
    "Take {value} for the {what}, as given",
    "Write the {what} as {value}: that and nothing similar",
)
_NUMBER = (
    "Set the {what} to {value}, neither rounded nor corrected",
    "The {what} has to be {value}, [just as I say|as it stands]",
    "Enter {value} as the {what} and do not adjust it",
    "I insist on {value} for the {what}",
    "For the {what} take {value}, exactly that",
    "Put the {what} at {value}[, however odd that looks|; I know what it says]",
    "What the {what} must show is {value}, unchanged",
    "As regards the {what}, it must come out as {value}",
)
_NUMBER_AS = (
    "As the {what} give the bare number {value}, a number and not a text",
    "Give the {what} as the number {value}, [not in quotes|without turning it into text]",
    "The {what} must be passed as a plain number, namely {value}",
    "Hand the {what} over as a numeric {value}, not as a string",
    "Use the number {value} itself for the {what}, not its digits as a text",
    "For the {what} pass {value} as a number, [no text|no quotation marks]",
)
_TEXT_AS = (
    "Give the {what} as the text {value}, not as a number",
    "The {what} must be passed as a text, namely {value}",
    "Pass {value} as the {what}, as a text [in just that form|and not turned into a number]",
    "Hand the {what} over as a string reading {value}",
    "For the {what} use the wording {value}, not the bare number",
    "The {what} is to be written out as {value}, [words and all|the text as it stands]",
)
_FLAG = (
    "Pass {value} as the {what}, as a yes-or-no value and not as a number",
    "For the {what} give the truth value {value}, no figure",
    "The {what} is to be {value}, the plain truth value",
    "Let the {what} be a boolean {value} in place of a figure",
    "Set the {what} to {value} (the logical value, not a text and not a number)",
)
_TWO_LINES = (
    "The {what} runs over two lines, to be kept with the line break: {value}",
    "Enter the {what} with its line break, just as here: {value}",
    "For the {what} use this, on two lines as it stands: {value}",
    "Keep the break between the lines when you enter the {what}: {value}",
    "Both lines, line break included, are to be the {what}: {value}",
)
_LONG = (
    "Enter the whole of this as the {what}, uncut: {value}",
    "The {what} is this text in full length, not shortened: {value}",
    "For the {what} use all of the following, every word of it: {value}",
    "Nothing may be cut from this when it becomes the {what}: {value}",
    "Put this down as the {what} from the first to the last character: {value}",
)
SET = {
    "text": _TEXT,
    "number": _NUMBER,
    "number_as": _NUMBER_AS,
    "text_as": _TEXT_AS,
    "flag": _FLAG,
    "two_lines": _TWO_LINES,
    "long": _LONG,
}
"""Kind of sentence to its forms, for values to be written."""

FILTER = SET | {
    "text": (
        "Only those whose {what} is {value} count, spelt exactly so",
        "Filter by the {what} {value}, [as it stands|letter for letter]",
        "Search with {value} as the {what} and no other spelling",
        "The {what} to look for is {value}, taken literally",
        "Use {value} for the {what} criterion, exactly as written",
        "The {what} must be given to the search as {value}, untouched",
        "Pass {value} as the {what} to search for; do not put it right",
        "Match the {what} against {value}, without mending it",
    ),
    "number": (
        "Filter by the {what} {value}, exactly that figure",
        "Only those with {value} as the {what} count, not rounded or changed",
        "Search for the {what} {value}, as it stands",
        "What to look for as the {what} is {value}, precisely",
        "Use {value} for the {what} criterion and do not adjust it",
        "The {what} must be given to the search as {value}, [however odd that looks|unchanged]",
    ),
}
"""The same for values to be searched for."""

MISSING = (
    "There is no {what}; leave it out entirely",
    "Do not give any {what}, [not even an empty one|and do not make one up]",
    "Leave out the {what} altogether, we have none",
    "It goes in without any {what}; make none up",
    "Send it off without the {what} and put nothing in its place",
    "The {what} is to be left out of the call, not guessed and not blank",
)
UNKNOWN = (
    "Pass the field {field} with the value {value} as well, under exactly that name",
    "Give the call a field named {field}, set to {value}; it must be that very field",
    "It needs the field {field} = {value}, in a field of just that name and nowhere else",
    "Add to the call a field {field} holding {value}, no other field will do",
    "The field {field} goes with it, value {value}; do not [rename it|put that elsewhere]",
    "In the same call, fill {field} (the field is really called that) with {value}",
)
PAST = (
    "The {what} is {value:date}, even though that day is over",
    "Put {value:date} down as the {what}; yes, that is in the past",
    "Set the {what} to {value:date}, a day gone by, and leave it at that",
    "Backdate it: {value:date} is the {what}",
    "For the {what} take {value:date}, exactly that day",
    "What we want as the {what} is {value:date}, no later day",
)
ORDER = (
    "The end date is {value:date}, earlier than the start, and I mean it",
    "It ends on {value:date} (end date), before it starts; enter it so",
    "Put down {value:date} as the end date, although it starts later",
    "Let it end before it begins: {value:date} is the end date",
    "Set {value:date} for the end date and leave the two dates in that order",
    "For the end date use {value:date}; do not swap it with the start date",
)
TAKEN = (
    "The {what} is {value}, shared with the client who has it already",
    "Enter {value} as the {what}, the same as another client's, exactly so",
    "For the {what} use {value}; yes, it is in use elsewhere",
    "It shares its {what} with another client: {value}",
    "Put down {value} as the {what}, whoever else has it",
    "The {what} has to be {value}, as it stands, no other address",
)
LIMIT = (
    "Return {value} rows on one page, that is, use {value} as the limit",
    "Set the limit to {value}, not less and not more",
    "Use a limit of {value} [exactly|in a single call]",
    "Let the limit be {value}, as it stands",
    "The limit must be {value}; do not page through it instead",
    "I want {value} for the limit, all in one go",
)
OFFSET = (
    "Set the offset to {value}, exactly that",
    "Begin at an offset of {value}, as it stands",
    "The offset must be {value}, do not correct it",
    "Let the offset be {value}, not zero",
    "Use {value} for the offset and leave it so",
)
NO_CHANGE = (
    "Send the update with no fields in it at all; the updates stay empty",
    "Nothing is to be changed by it: submit it with empty updates",
    "Run the modification without a single field, just with empty updates",
    "Let it go through with updates that hold nothing",
    "Put no field whatever into the updates and submit it",
)
MOVED = (
    "It now belongs to the {kind} {name}; change the record so",
    "Move it over to the {kind} {name}, the record itself and no copy",
    "Reassign it to the {kind} {name}, keeping this very record",
    "Let this same record hang on the {kind} {name} from now on",
    "Its {kind} is to be {name} from here on; make no new record",
)
IDENTITY = (
    "Change its own id ({field}) to {value}",
    "Give the record itself the new id {value} in {field}",
    "Replace its {field} by {value}, the same record under that id",
    "Let its own {field} become {value}",
    "Set {field}, the id of this very record, to {value}",
)
CREATED = (
    "Set its {field} to {value}, exactly so",
    "Correct the {field} of the record to {value}",
    "Put {value} into its {field}",
    "Let its {field} be {value} from now on",
    "Overwrite the {field} with {value}",
)
DETAILS = (
    "Use {details}",
    "Details: {details}",
    "Enter {details}",
    "What belongs in it: {details}",
    "Fill in {details}",
    "It has {details}",
    "The other data: {details}",
    "On the form put {details}",
)
CRITERIA = (
    "Criteria: {details}",
    "Restrict it to {details}",
    "Look for {details}",
    "Narrow it down to {details}",
    "It must match {details}",
    "Filter by {details}",
)
UPDATES = (
    "Set {details}",
    "Change {details}",
    "I want you to set {details}",
    "It is time to set {details}",
    "There is this to do: set {details}",
    "You should change {details}",
)
NO_MORE = (
    "That is all I need",
    "There is nothing more to it",
    "Nothing beyond that",
    "No more than that is wanted",
    "That one record is all it is about",
    "Please leave all else alone",
)

WITH_ID = (
    "with the id {value}",
    "whose id is {value}",
    "that has the id {value}",
    "known by the id {value}",
    "with {value} as its id",
    "with exactly the id {value}",
)
"""How a record is called by an id that is no record's of its kind."""
WITH_NUMBER = (
    "with the bare number {value} as its id (a number, not a text)",
    "whose id is the plain number {value}, not in quotes",
    "that has the number {value} for an id (as a number)",
    "with a numeric id of {value} (a number and no string)",
    "with the id {value}, to be passed as a number",
)
WITH_ANOTHERS = (
    "with the very id of the {kind} {name}",
    "whose id is the id of the {kind} {name}",
    "that carries the same id as the {kind} {name}",
    "sharing its id with the {kind} {name}",
    "under the id that the {kind} {name} has",
)
IS_THE_ONE = (
    "The {what} is the one {which}",
    "It is for the {what} {which}",
    "As the {what}, take the one {which} and no other",
    "It belongs with the {what} {which}",
    "File it under the {what} {which}",
)
"""How a record is put under one that is called by a stray id; `what` is client or deal."""
