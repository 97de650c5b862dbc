"""What is shown of a URL opens nothing."""

import pytest

from wagateway.urls import shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/hook", "https://example.com/hook"),
        ("https://example.com:8443/a/b;c", "https://example.com:8443/a/b;c"),
        ("https://bot:s3cret@example.com/hook", "https://bot:***@example.com/hook"),
        ("https://bot:a@b:c@example.com/", "https://bot:***@example.com/"),
        ("https://bot:@example.com/", "https://bot:***@example.com/"),
        ("https://token@example.com/", "https://***@example.com/"),
        ("https://[::1]:80/hook", "https://[::1]:80/hook"),
        ("https://a/?key=s3cret&lang=en", "https://a/?key=***&lang=***"),
        ("https://a/?s3cret", "https://a/?***"),
        ("https://a/?key=&b=c=d&&", "https://a/?key=***&b=***"),
        ("https://a/#s3cret", "https://a/#***"),
        ("https://[s3cret/", "***"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, expected: str) -> None:
    assert expected == shown(url)
