from evaluators.experiments.robust_fronts import Areas
from ui.about.about_page import CODE
from ui.robust import robust_text
from ui.shell import text
from ui.shell.markup import finding, notice, plain_table, trouble


def test_numbers_as_the_page_writes_them() -> None:
    assert text.percent(0.97512) == "97.5\u202f%"
    assert text.percent(-0.0001) == "0.0\u202f%"
    assert text.points(0.052) == "+5.2 points"
    assert text.points(-0.052) == "−5.2 points"
    assert text.points(0.0001) == "±0.0 points"


def test_robust_finding() -> None:
    assert "7.0 % more area" in robust_text.robust_finding(Areas(100.0, 107.0), (0.02, 0.12))
    assert "3.0 % less area" in robust_text.robust_finding(Areas(100.0, 97.0), (-0.05, -0.01))
    same = robust_text.robust_finding(Areas(100.0, 107.0), (-0.01, 0.15))
    assert "do not differ measurably (−1.0 to 15.0 %)" in same
    assert "no area" in robust_text.robust_finding(Areas(0.0, 97.0))


def test_the_first_sentence_of_a_finding_stands_out() -> None:
    said = "With α of Eq. 2 LiNeS adds 2.1 points. The rest is small. It is said."
    first, rest = "With α of Eq. 2 LiNeS adds 2.1 points.", "The rest is small. It is said."
    assert finding(said) == f'<p class="lx-finding">{first} <span>{rest}</span></p>'
    assert finding(first) == f'<p class="lx-finding">{first}</p>'


def test_what_comes_from_outside_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    for html in (notice([evil]), trouble(evil), plain_table(evil, [evil], [[evil, evil]])):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


def test_the_code_on_the_page_is_the_library() -> None:
    """The ten lines run as they stand, against a model of one weight a block."""
    import torch

    class Model:
        def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
            self.state = state

    names = [f"visual.transformer.resblocks.{i}.ln_1.weight" for i in range(3)]
    model = Model()
    given = {
        "pretrained": {name: torch.zeros(1) for name in names},
        "finetuned": {name: torch.ones(1) for name in names},
        "model": model,
    }
    exec(CODE, given)
    assert [round(float(model.state[name]), 6) for name in names] == [0.4, 0.7, 1.0]
