"""`regulars export --as klaviyo|hubspot|google-ads`: the forms that vendors document."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from regulars_workbench.export.layouts import UPLOADS
from tests.command_line import Run
from tests.workbench.export.conftest import files, rows


@pytest.fixture
def emails(tmp_path: Path) -> Path:
    """An address for 007, of another customer's; none for the rest."""
    file = tmp_path / "emails.csv"
    file.write_text("customer_id,email\n007, Seven@Example.COM \n-5,not an address\nnobody,x@example.com\n")
    return file


def test_klaviyo_begins_with_email_and_has_properties(run: Run, plan: Path, out: Path, emails: Path) -> None:
    assert run("--plan", plan, "--to", out / "k.csv", "--as", "klaviyo", "--emails", emails)[0] == 0
    best, second = rows(out / "k-voucher.csv")
    assert list(best)[:4] == ["Email", "ExternalID", "regulars_action", "regulars_arm"]
    assert (best["Email"], best["ExternalID"]) == ("seven@example.com", "007")
    assert (second["Email"], second["regulars_expected_profit"]) == ("ada@example.com", "3.00")
    assert second["regulars_next_order_at"] == "2026-08-02"


def test_klaviyo_takes_customers_without_an_address_by_their_id(run: Run, plan: Path, out: Path) -> None:
    """In a file of their own: an upload of lists refuses rows without an address."""
    _, _, warned = run("--plan", plan, "--to", out / "k.csv", "--as", "klaviyo")
    assert files(out) == [
        *("k-call.csv", "k-control-voucher-without-e-mail.csv", "k-voucher-without-e-mail.csv", "k-voucher.csv")
    ]
    assert "Email" not in rows(out / "k-voucher-without-e-mail.csv")[0]
    assert "2 customers have no e-mail address and are in files of their own: 007, =cmd();" in warned


def test_hubspot_begins_with_email(run: Run, plan: Path, out: Path, emails: Path) -> None:
    _, _, warned = run("--plan", plan, "--to", out / "h.csv", "--as", "hubspot", "--emails", emails)
    best = rows(out / "h-voucher.csv")[0]
    assert list(best)[:3] == ["Email", "regulars_customer_id", "regulars_action"]
    assert "1 customers have no e-mail address and are left out: =cmd();" in warned
    assert files(out) == ["h-call.csv", "h-voucher.csv"]


def test_google_ads_gets_nothing_but_hashes(run: Run, out: Path) -> None:
    run("--to", out / "g.csv", "--as", "google-ads")
    hashes = {hashlib.sha256(address).hexdigest() for address in (b"ada@example.com", b"bob@example.com")}
    written = rows(out / "g.csv")
    assert {row["Email"] for row in written} == hashes
    assert all(list(row) == ["Email"] for row in written)


def test_the_control_group_has_a_file_for_each_action(run: Run, plan: Path, out: Path, tmp_path: Path) -> None:
    addresses = tmp_path / "e.csv"
    addresses.write_text("customer_id,email\n=cmd(),control@example.com\n")
    run("--plan", plan, "--to", out / "g.csv", "--as", "hubspot", "--emails", addresses)
    assert [row["Email"] for row in rows(out / "g-control-voucher.csv")] == ["control@example.com"]


def test_an_address_is_once_in_a_file(run: Run, plan: Path, out: Path, tmp_path: Path) -> None:
    """Klaviyo refuses repeated addresses; the better customer stays."""
    addresses = tmp_path / "e.csv"
    addresses.write_text("customer_id,email\n007,ADA@example.com\n")
    _, _, warned = run("--plan", plan, "--to", out / "k.csv", "--as", "klaviyo", "--emails", addresses)
    assert [row["ExternalID"] for row in rows(out / "k-voucher.csv")] == ["007"]
    assert "1 customers share the address of a better customer" in warned


def test_large_uploads_are_several_files(run: Run, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert UPLOADS["klaviyo"].most_bytes is not None
    monkeypatch.setitem(UPLOADS, "klaviyo", replace(UPLOADS["klaviyo"], most_bytes=60))
    run("--to", out / "k.csv", "--as", "klaviyo")
    assert files(out) == [
        *("k-2.csv", "k-without-e-mail-2.csv", "k-without-e-mail-3.csv", "k-without-e-mail.csv", "k.csv")
    ]


def test_nobody_with_an_address_is_refused(run: Run, plan: Path, out: Path) -> None:
    plan.write_text("\n".join(line for line in plan.read_text().splitlines() if "@" not in line))
    status, _, error = run("--plan", plan, "--to", out / "h.csv", "--as", "hubspot")
    assert status == 2
    assert "no customer has an e-mail address; give addresses with --emails FILE" in error
    assert files(out) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,email\n1,a@b.de\n", "no column customer_id"),
        ("customer_id,email\n1,a@b.de\n1,c@b.de\n", "customer 1 has two addresses"),
    ],
)
def test_wrong_files_of_addresses_are_refused(run: Run, out: Path, tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "emails.csv"
    file.write_text(content)
    status, _, error = run("--to", out / "h.csv", "--as", "hubspot", "--emails", file)
    assert status == 2
    assert message in error


def test_addresses_are_a_column_of_other_exports_too(run: Run, out: Path, emails: Path) -> None:
    run("--to", out / "all.csv", "--emails", emails)
    addresses = {row["Customer"]: row["E-mail"] for row in rows(out / "all.csv")}
    assert addresses["007"] == "seven@example.com"
    assert addresses["'-5"] == ""
