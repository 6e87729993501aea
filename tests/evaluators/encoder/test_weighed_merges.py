"""Merges of the live encoder: weights of the models, and ranking within the tensors of its tower."""

from evaluators.service.studio import Studio
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import merge, merging_alpha


def test_weights_and_scope_reach_the_merge(studio: Studio) -> None:
    encoder = studio.lab.encoder
    digits, faces = encoder.residual("digits"), encoder.residual("faces")
    spec = MergeSpec(("faces", "digits"), "breadcrumbs", (("scope", 2.0),), weights=(0.5, 1.0))
    shapes = encoder.layout.shapes
    expected = merge("breadcrumbs", [digits, 0.5 * faces], {"scope": 2.0}, shapes=shapes)
    assert encoder.residual(spec).equal(expected)
    assert encoder.merging_alpha(spec) == merging_alpha([digits, 0.5 * faces], expected)
    for other in (MergeSpec(spec.checkpoints, "breadcrumbs", spec.settings), MergeSpec(spec.checkpoints)):
        assert not encoder.residual(other).equal(expected)
