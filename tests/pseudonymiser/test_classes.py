"""Referers, agents and groups as classes."""

import pytest

from pseudonymiser.classes import Classes

CLASSES = Classes()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("sci-hub.se", "shadow"),
        ("cyber.sci-hub.tw", "shadow"),
        ("new-libgen-mirror.example.org", "shadow"),
        ("pubmed007.com", "shadow"),
        ("scholar.google.com", "discovery"),
        ("www.google.com", "search"),
        ("pubmed.ncbi.nlm.nih.gov", "discovery"),
        ("example.libguides.com", "library"),
        ("library.example.ac.uk", "library"),
        ("notgoogle.com", "other"),
        ("", "other"),
    ],
)
def test_referers(host: str, expected: str) -> None:
    assert CLASSES.referer(host) == expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("", ""),
        ("-", ""),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120", "browser"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", "mobile"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"),
        ("python-requests/2.31", "script"),
        ("curl/8.1", "script"),
        ("Zotero/6.0", "reference-manager"),
        ("Something/1", "other"),
    ],
)
def test_agents(agent: str, expected: str) -> None:
    assert CLASSES.agent(agent) == expected


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("", ""),
        ("-", ""),
        ("Default", ""),
        ("Default+930+etu", "student"),
        ("Staff+Default", "staff"),
        ("NHS+Staff", "nhs"),
        ("alumni+student", "alumni"),
        ("Walk-In", "walk-in"),
        ("stuffed+etude", ""),
    ],
)
def test_categories(groups: str, expected: str) -> None:
    assert CLASSES.category(groups) == expected
