"""Equations become MathML; single dollars only where the page says so; what needs a server is hidden."""

from static.page.markdown import markdown
from ui.soup.soup_text import SOUP


def test_equations_become_mathml() -> None:
    html = markdown("# Scale\n\n$$\\lambda = 1$$ and $\\alpha$.")
    assert html.startswith("<h1>Scale</h1>")
    assert html.count("<math") == 2
    assert 'display="block"' in html
    assert "$" not in html


def test_a_dollar_stays_where_it_is_no_equation() -> None:
    assert markdown("It costs $3 or $4.", dollars=False) == "<p>It costs $3 or $4.</p>\n"


def test_gathered_lines_become_rows() -> None:
    """The space below a line, [4pt], was written out, and both lines stood in one."""
    html = markdown("$$\\begin{gathered} a \\\\[4pt] b \\end{gathered}$$")
    assert html.count("<mtr>") == 2
    assert "4pt" not in html


def test_what_a_text_says_of_a_server_is_hidden() -> None:
    """*Soup* spoke of own checkpoints, which this edition does not take."""
    html = markdown(SOUP)
    hidden = html.split('<span class="lx-served">')[1].split("</span>")[0]
    assert "Checkpoints of your own are averaged on the page <em>Merge</em>" in hidden
    assert "of your own" not in html.replace(hidden, "")
