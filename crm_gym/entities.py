"""The nouns: eight entities, their enums, fields, bounds and references. Everything else follows from here.

Entities are pydantic models for people: made by hand or handed out by the CRM, always as copies.
Assignments are checked, unknown fields are forbidden. Inside, the CRM keeps frozen rows (see `schema`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crm_gym import atoms
from crm_gym.atom import refuse
from crm_gym.ids import random_id


class ClientStatus(StrEnum):
    ACTIVE = "Active"
    PROSPECT = "Prospect"
    INACTIVE = "Inactive"


class OpportunityStage(StrEnum):
    PROSPECTING = "Prospecting"
    QUALIFICATION = "Qualification"
    PROPOSAL = "Proposal"
    NEGOTIATION = "Negotiation"
    CLOSED_WON = "Closed-Won"
    CLOSED_LOST = "Closed-Lost"


class QuoteStatus(StrEnum):
    DRAFT = "Draft"
    SENT = "Sent"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    CANCELED = "Canceled"


class ContractStatus(StrEnum):
    ACTIVE = "Active"
    PENDING = "Pending"
    EXPIRED = "Expired"


class CompanyType(StrEnum):
    PARTNER = "Partner"
    VENDOR = "Vendor"
    COMPETITOR = "Competitor"


class DocumentEntityType(StrEnum):
    OPPORTUNITY = "Opportunity"
    CONTRACT = "Contract"
    QUOTE = "Quote"
    CLIENT = "Client"


class NoteEntityType(StrEnum):
    OPPORTUNITY = "Opportunity"
    CLIENT = "Client"
    CONTACT = "Contact"
    QUOTE = "Quote"
    CONTRACT = "Contract"


CLOSED_STAGES = frozenset({"Closed-Won", "Closed-Lost"})


@dataclass(frozen=True)
class Key:
    """Marks the field that holds the record's own id."""


@dataclass(frozen=True)
class Ref:
    """Marks a foreign key.

    Attributes:
        to: The entity it points at, or the name of the field that says so if `by_field`.
        moves: Whether a modify call may point it at another record.
        by_field: Whether `to` names the field that holds the entity's name.
        on_delete: What happens to this record when the other one goes.
    """

    to: str
    moves: bool = False
    by_field: bool = False
    on_delete: str = "restrict"  # restrict | cascade | empty


@dataclass(frozen=True)
class Auto:
    """Marks a field that the CRM fills itself and that nobody may set."""


@dataclass(frozen=True)
class Unique:
    """Marks a text that no two records share, compared trimmed and case-folded."""


Id = Annotated[str, atoms.record_id()]
Name = Annotated[str, atoms.text()]
Text = Annotated[str, atoms.text(blank=True)]
Lines = Annotated[str, atoms.text(atoms.NOTE_CHARS, blank=True, lines=True)]
Content = Annotated[str, atoms.text(atoms.NOTE_CHARS, lines=True)]
Email = Annotated[str, atoms.email()]
Url = Annotated[str, atoms.url()]
FileName = Annotated[str, atoms.file_name()]
Money = Annotated[Decimal, atoms.money()]
Percent = Annotated[int, atoms.percent()]
Day = Annotated[date, atoms.day()]
Stamp = Annotated[datetime, atoms.stamp()]
Names = Annotated[list[str], atoms.names()]


OwnId = Annotated[str, atoms.own_id(), Key()]


def _key() -> Any:
    return Field(default_factory=random_id, description="id of the record, given by the CRM")


def _field(description: str, default: Any = ...) -> Any:
    return Field(default, description=description)


class Entity(BaseModel):
    """What the eight entities share: assignments are checked, unknown fields are forbidden."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, defer_build=True)  # import stays quick


class Client(Entity):
    """A customer, won or hoped for."""

    client_id: OwnId = _key()
    name: Name = _field("name of the client")
    email: Annotated[Email, Unique()] = _field("e-mail address, used by no other client")
    status: Annotated[ClientStatus, atoms.enum(ClientStatus)] = _field("status of the relation")
    industry: Text | None = _field("line of business", None)
    phone: Text | None = _field("telephone number, as text", None)
    address: Text | None = _field("postal address", None)
    owner: Text | None = _field("name of the colleague in charge", None)
    created_date: Annotated[Stamp, Auto()] | None = _field("when the record was made", None)


class Contact(Entity):
    """A person at a client."""

    contact_id: OwnId = _key()
    first_name: Name = _field("given name")
    last_name: Name = _field("family name")
    client_id: Annotated[Id, Ref("Client")] = _field("id of the client the person works for")
    title: Text | None = _field("job title", None)
    email: Email | None = _field("e-mail address", None)
    phone: Text | None = _field("telephone number, as text", None)
    notes: Lines | None = _field("free text", None)


class Opportunity(Entity):
    """A deal in the making, or one that was closed."""

    opportunity_id: OwnId = _key()
    name: Name = _field("name of the deal")
    client_id: Annotated[Id, Ref("Client", moves=True)] = _field("id of the client")
    amount: Money = _field("value of the deal, more than 0, at most 10,000,000, at most two decimals")
    stage: Annotated[OpportunityStage, atoms.enum(OpportunityStage)] = _field("stage of the deal")
    close_date: Day | None = _field("expected closing day, YYYY-MM-DD, not in the past", None)
    owner: Text | None = _field("name of the colleague in charge", None)
    probability: Percent | None = _field("chance of winning in whole percent, 1 to 99", None)
    notes: Lines | None = _field("free text", None)


class Quote(Entity):
    """An offer made for a deal."""

    quote_id: OwnId = _key()
    opportunity_id: Annotated[Id, Ref("Opportunity", on_delete="cascade")] = _field("id of the deal")
    amount: Money = _field("offered amount, more than 0, at most 10,000,000, at most two decimals")
    status: Annotated[QuoteStatus, atoms.enum(QuoteStatus)] = _field("status of the quote")
    version: Text | None = _field("version label, such as v2", None)
    valid_until: Day | None = _field("last day of validity, YYYY-MM-DD", None)
    quote_prefix: Text | None = _field("prefix of the quote number", None)
    created_date: Annotated[Stamp, Auto()] | None = _field("when the record was made", None)


class Contract(Entity):
    """An agreement with a client."""

    contract_id: OwnId = _key()
    client_id: Annotated[Id, Ref("Client")] = _field("id of the client")
    opportunity_id: Annotated[Id, Ref("Opportunity", on_delete="empty")] | None = _field("id of the deal", None)
    status: Annotated[ContractStatus, atoms.enum(ContractStatus)] = _field(
        "status of the contract, Pending if not given", ContractStatus.PENDING
    )
    value: Money | None = _field("value, more than 0, at most 10,000,000, at most two decimals", None)
    start_date: Day | None = _field("first day, YYYY-MM-DD", None)
    end_date: Day | None = _field("last day, YYYY-MM-DD, not before the first", None)
    document_url: Url | None = _field("where the document lies, http or https", None)

    @model_validator(mode="after")
    def _ends_after_start(self) -> Contract:
        if self.start_date is not None and self.end_date is not None and self.end_date < self.start_date:
            raise refuse("date_order", f"end_date must not be before start_date, {self.start_date}.")
        return self


class Company(Entity):
    """A partner, vendor or competitor: a company that is no client."""

    company_id: OwnId = _key()
    name: Name = _field("name of the company")
    type: Annotated[CompanyType, atoms.enum(CompanyType)] | None = _field("what the company is to us", None)
    industry: Text | None = _field("line of business", None)
    address: Text | None = _field("postal address", None)
    contacts: Names | None = _field("names of people there", None)


class Document(Entity):
    """A file attached to a record."""

    document_id: OwnId = _key()
    entity_type: Annotated[DocumentEntityType, atoms.enum(DocumentEntityType)] = _field("kind of the record")
    entity_id: Annotated[Id, Ref("entity_type", by_field=True, on_delete="cascade")] = _field("id of the record")
    file_name: FileName = _field(
        "name of the file: letters, digits, dot, underscore, hyphen; one of " + ", ".join(atoms.FILE_EXTENSIONS)
    )
    uploaded_by: Text | None = _field("name of the person who uploaded it", None)
    file_url: Url | None = _field("where the file lies, http or https", None)
    uploaded_at: Annotated[Stamp, Auto()] | None = _field("when it was uploaded", None)


class Note(Entity):
    """A remark on a record."""

    note_id: OwnId = _key()
    entity_type: Annotated[NoteEntityType, atoms.enum(NoteEntityType)] = _field("kind of the record")
    entity_id: Annotated[Id, Ref("entity_type", by_field=True, on_delete="cascade")] = _field("id of the record")
    content: Content = _field("text of the note")
    created_by: Text | None = _field("name of the author", None)
    created_at: Annotated[Stamp, Auto()] | None = _field("when it was written", None)


ENTITIES: dict[str, type[Entity]] = {
    model.__name__: model for model in (Client, Contact, Opportunity, Quote, Contract, Company, Document, Note)
}
"""The eight entities by name, in the order of the counts in an observation."""
