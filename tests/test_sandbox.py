"""The CRM as a Python object: methods with real signatures, entities as results, refusals as exceptions."""

import inspect
import pydoc
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from furnished import FULL, RECORDS, arguments, rid

from crm_gym import TOOLS, Client, MockCrmApi, Opportunity, Quote, ToolError
from crm_gym.entities import ClientStatus, OpportunityStage

METHODS = [name for name, tool in TOOLS.items() if tool.kind in ("read", "write")]


@pytest.fixture
def api():
    made = MockCrmApi()
    for record in RECORDS:
        made.crm.add_entity(record)
    return made


def client(api, **more):
    return api.create_new_client(**{"name": "A", "email": "a@a.example", "status": "Active", **more})


@pytest.mark.parametrize("name", METHODS)
def test_every_tool_is_a_method(name, api):
    assert getattr(api, name)(**arguments(name)) is not None


def test_there_are_28_methods_and_no_endings():
    assert len(METHODS) == 28
    public = {name for name in vars(MockCrmApi) if not name.startswith("_")}
    assert public == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_signatures_and_docstrings_are_real(name):
    method, tool = getattr(MockCrmApi, name), TOOLS[name]
    signature = inspect.signature(method)
    assert list(signature.parameters) == ["self", *tool.schema["properties"]]
    for argument, parameter in list(signature.parameters.items())[1:]:
        required = argument in tool.schema["required"]
        assert (parameter.default is inspect.Parameter.empty) == required
    text = pydoc.render_doc(method, renderer=pydoc.plaintext)
    assert name in text
    assert tool.description in text
    assert "ToolError" in text
    for argument in tool.schema["properties"]:
        assert f"{argument}: " in text
    assert method.__name__ == name


def test_results_are_entities(api):
    made = client(api, owner="Ann")
    assert type(made) is Client
    assert (made.name, made.owner, made.status) == ("A", "Ann", ClientStatus.ACTIVE)
    assert UUID(made.client_id).version == 4
    assert made.created_date == datetime(2025, 10, 30, 9, tzinfo=UTC)
    deal = api.create_new_opportunity("D", made.client_id, 12.5, "Proposal", close_date=date(2025, 12, 1))
    assert type(deal) is Opportunity
    assert (deal.amount, deal.stage, deal.close_date) == (
        Decimal("12.50"),
        OpportunityStage.PROPOSAL,
        date(2025, 12, 1),
    )


def test_searches_give_pages_and_details_attributes(api):
    page = api.opportunity_search(name="oven", limit=1)
    assert (len(page), page.total, page.offset, page.limit) == (1, 2, 0, 1)
    assert type(page[0]) is Opportunity
    shown = api.view_opportunity_details(rid("oven"))
    assert shown.client.name == "Old Mill"
    assert [type(quote) for quote in shown.quotes] == [Quote, Quote]
    with pytest.raises(AttributeError, match="quotes"):
        _ = shown.quotations


def test_refusals_are_errors_with_code_field_and_sentence(api):
    before = api.crm.state_hash()
    with pytest.raises(ToolError) as refused:
        client(api, status="active")
    assert (refused.value.code, refused.value.field) == ("enum_value", "status")
    assert isinstance(refused.value, ValueError)
    assert "Active, Prospect, Inactive" in str(refused.value)
    assert refused.value.as_json().keys() == {"code", "field", "message"}
    with pytest.raises(ToolError, match="missing"):
        api.create_new_client(name="A")
    with pytest.raises(ToolError, match="no argument"):
        api.create_new_client(name="A", email="a@a.example", status="Active", colour="red")
    assert api.crm.state_hash() == before


def test_entities_are_copies(api):
    before = api.crm.state_hash()
    company = api.company_search(name="bolt")[0]
    company.contacts.append("Eve")
    company.name = "X"
    found = api.opportunity_search()
    found[0].amount = 1
    found.clear()
    assert api.crm.state_hash() == before
    assert api.company_search(name="bolt")[0].contacts == ["Kim Oh", "Jo Po"]


def test_python_values_are_taken(api):
    day = date(2026, 1, 31)
    changed = api.modify_opportunity(rid("oven"), {"close_date": day, "amount": Decimal("7.25"), "stage": "Proposal"})
    assert (changed.close_date, changed.amount) == (day, Decimal("7.25"))
    assert api.opportunity_search(close_date=day).total == 1
    assert api.client_search(client_id=UUID(rid("mill"))).total == 1
    assert api.client_search(status=ClientStatus.PROSPECT).total == 1
    assert api.compare_quotes((rid("q1"), rid("q2"))).difference == 500


def test_what_an_entity_shows_can_be_searched_for(api):
    made = client(api)
    for name, value in made.model_dump().items():
        if value is not None:
            assert made in api.client_search(**{name: value}), name


def test_a_moment_is_no_day(api):
    with pytest.raises(ToolError) as refused:
        api.modify_opportunity(rid("oven"), {"close_date": datetime(2026, 1, 31)})
    assert refused.value.code == "date_format"


@pytest.mark.parametrize("today", ["2025-10-30", "2024-02-29", "1999-12-31"])
def test_today_is_given(today):
    api = MockCrmApi(today=today)
    made = client(api)
    assert made.created_date.date() == date.fromisoformat(today)
    deal = {"name": "D", "client_id": made.client_id, "amount": 1, "stage": "Proposal"}
    assert api.create_new_opportunity(**deal, close_date=today)
    with pytest.raises(ToolError, match=today):
        api.create_new_opportunity(**deal, close_date="1999-12-30")


def test_today_has_a_published_default():
    assert MockCrmApi().crm.today == "2025-10-30"
    assert inspect.signature(MockCrmApi).parameters["seed"].default == 0
    assert "2025-10-30" in repr(MockCrmApi())
    with pytest.raises(ValueError, match=r"day|date|month"):
        MockCrmApi(today="2025-02-30")


def test_the_seed_gives_the_ids():
    assert client(MockCrmApi(seed=1)) == client(MockCrmApi(seed=1))
    assert client(MockCrmApi(seed=1)) != client(MockCrmApi(seed=2))


def test_many_days_of_work_still_make_entities():
    """Times are a second apart: the clock must hold after more writes than a day has seconds."""
    api = MockCrmApi(today="9999-12-31")
    api.crm._serial = 200_000
    assert client(api).created_date.year >= 9999


def test_snapshots_and_forks_work_on_the_crm_below(api):
    snapshot, before = api.crm.snapshot(), api.crm.state_hash()
    client(api)
    assert api.crm.state_hash() != before
    api.crm.restore(snapshot)
    assert api.crm.state_hash() == before


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1, 2, 3, 4, 5, 6, 7, 8, 9), {}), (("A",), {"name": "B"})],
    ids=["too many", "twice"],
)
def test_wrong_use_of_a_method_is_a_type_error(args, kwargs, api):
    with pytest.raises(TypeError, match="create_new_client"):
        api.create_new_client(*args, **kwargs)


def test_a_name_that_is_no_tool_is_no_attribute(api):
    with pytest.raises(AttributeError):
        api.create_client()


def test_full_calls_are_the_tools_calls(api):
    assert set(FULL) == set(TOOLS)
