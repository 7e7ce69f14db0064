"""docker-compose.yml: a database for people on this machine only, with a role that may little, limits and a login."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}")
DOMAIN_DEFAULTS = {
    "DB_HOST": "localhost",
    "DB_PORT": "5432",
    "DB_NAME": "crm_sandbox",
    "DB_USER": "crm_app",
    "DB_PASSWORD": "crm_password",
    "PGADMIN_PORT": "8080",
}


def example():
    """The settings of .env.example."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(text, env):
    """What compose makes of a text: variables from the environment, else their defaults; $$ is a dollar."""
    return VARIABLE.sub(lambda found: env.get(found[1]) or found[2] or "", text).replace("$$", "$")


def compose(env=None):
    return yaml.safe_load(filled(TEXT, env or {}))


@pytest.fixture(scope="module")
def services():
    return compose()["services"]


SERVICES = ("db", "pgadmin")
each_service = pytest.mark.parametrize("name", SERVICES)


def test_there_are_the_database_and_pgadmin(services):
    assert tuple(services) == SERVICES


def test_the_database_is_postgres_16(services):
    assert services["db"]["image"] == "postgres:16"


@each_service
def test_images_name_a_version_and_no_registry(services, name):
    image = services[name]["image"]
    assert re.fullmatch(r"(?:[a-z0-9]+/)?[a-z0-9]+:[0-9]+", image)
    assert "." not in image.split(":")[0]


@each_service
def test_ports_are_open_to_this_machine_only(services, name):
    assert services[name]["ports"]
    assert all(str(port).startswith("127.0.0.1:") for port in services[name]["ports"])
    assert "network_mode" not in services[name]


def test_ports_are_the_usual_ones_or_those_of_the_settings(services):
    assert services["db"]["ports"] == ["127.0.0.1:5432:5432"]
    assert services["pgadmin"]["ports"] == ["127.0.0.1:8080:80"]
    moved = compose({"DB_PORT": "6543", "PGADMIN_PORT": "9090"})["services"]
    assert moved["db"]["ports"] == ["127.0.0.1:6543:5432"]
    assert moved["pgadmin"]["ports"] == ["127.0.0.1:9090:80"]


@each_service
def test_resources_are_limited_and_services_come_back(services, name):
    service = services[name]
    amount, unit = re.fullmatch(r"(\d+)([mg])", service["mem_limit"]).groups()
    assert int(amount) * (1 if unit == "m" else 1024) <= 2048
    assert 0 < float(service["cpus"]) <= 2
    assert 0 < service["pids_limit"] <= 500
    assert service["restart"] == "unless-stopped"
    assert "privileged" not in service
    assert "cap_add" not in service


def test_the_health_check_asks_the_port_that_opens_when_all_is_set_up(services):
    check = services["db"]["healthcheck"]
    kind, command = check["test"]
    assert kind == "CMD-SHELL"
    assert command.startswith("pg_isready ")
    assert "--host=127.0.0.1" in command
    assert "$POSTGRES_DB" in command
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_the_database_is_initialised_from_the_folder_sql(services):
    assert "./sql:/docker-entrypoint-initdb.d:ro" in services["db"]["volumes"]
    names = sorted(path.name for path in (ROOT / "sql").iterdir())
    assert names == ["00_roles.sql", "01_schema.sql", "02_seed_data.sql"]


@each_service
def test_data_lie_in_a_named_volume(services, name):
    named = [volume.split(":")[0] for volume in services[name]["volumes"] if not volume.startswith(".")]
    assert named
    assert set(named) <= set(compose()["volumes"])


def test_the_application_is_another_role_than_the_superuser(services):
    settings = services["db"]["environment"]
    assert settings["POSTGRES_USER"] == "postgres"
    assert settings["DB_USER"] == "crm_app"
    assert settings["POSTGRES_PASSWORD"] != settings["DB_PASSWORD"]
    assert "POSTGRES_HOST_AUTH_METHOD" not in settings
    roles = (ROOT / "sql" / "00_roles.sql").read_text(encoding="utf-8")
    assert r"\getenv app DB_USER" in roles
    assert r"\getenv password DB_PASSWORD" in roles
    assert "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS" in roles
    assert roles.count("SUPERUSER") == roles.count("NOSUPERUSER")


def test_pgadmin_is_in_a_profile_of_its_own_and_asks_for_a_login(services):
    pgadmin = services["pgadmin"]
    assert pgadmin["profiles"] == ["pgadmin"]
    assert "profiles" not in services["db"]
    assert pgadmin["depends_on"] == {"db": {"condition": "service_healthy"}}
    settings = pgadmin["environment"]
    assert settings["PGADMIN_CONFIG_SERVER_MODE"] == "True"
    assert settings["PGADMIN_DEFAULT_EMAIL"]
    assert len(settings["PGADMIN_DEFAULT_PASSWORD"]) >= 6


def test_defaults_are_those_of_the_example_and_every_setting_is_in_it():
    used = dict(VARIABLE.findall(TEXT))
    assert used.items() <= example().items()
    assert set(example()) - set(used) == {"DB_HOST"}, "compose itself is never told the host"
    assert compose() == compose(example())


def test_the_example_has_the_documented_defaults():
    assert DOMAIN_DEFAULTS.items() <= example().items()


def test_no_secret_is_written_into_the_file_but_as_a_default():
    bare = VARIABLE.sub("", TEXT)
    assert not [value for name, value in example().items() if name.endswith("PASSWORD") and value in bare]
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()
