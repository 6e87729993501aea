from ui.address.link_tools import LONGEST, qr_code


def test_the_code_of_a_link_is_a_picture_with_the_link_below() -> None:
    update = qr_code("https://example.org/?page=merge&task=<b>")
    assert update["visible"]
    assert update["value"].count("<svg") == 1
    assert "page=merge&amp;task=&lt;b&gt;" in update["value"]


def test_a_link_that_no_phone_reads_is_refused_and_none_closes_the_panel() -> None:
    assert "too long" in qr_code("x" * (LONGEST + 1))["value"]
    assert qr_code("") == qr_code("") | {"visible": False}
