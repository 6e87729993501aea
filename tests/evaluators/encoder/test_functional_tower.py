import torch

from evaluators.encoder.functional_tower import FunctionalTower
from evaluators.encoder.open_clip_folder import TOWER
from evaluators.service.studio import Studio


def test_the_features_are_those_of_the_tower_whose_weights_stay(studio: Studio) -> None:
    encoder = studio.lab.encoder
    images = torch.randn(3, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    tower = FunctionalTower(encoder.loaded.clip.visual, encoder.layout, TOWER)
    before = encoder.flat_pretrained.clone()
    with torch.no_grad():
        whole = encoder.loaded.clip.encode_image(images)
        torch.testing.assert_close(tower(before, images), whole)
        other = tower(before + encoder.residual("digits"), images)
    assert not torch.allclose(other, whole)
    assert torch.equal(encoder.flat_pretrained, before)
    for name, value in encoder.pretrained().items():
        assert torch.equal(dict(encoder.loaded.clip.named_parameters())[name], value)


def test_gradients_reach_the_flat_weights_alone(studio: Studio) -> None:
    encoder = studio.lab.encoder
    tower = FunctionalTower(encoder.loaded.clip.visual, encoder.layout, TOWER)
    weights = encoder.flat_pretrained.clone().requires_grad_()
    torch.autograd.backward(tower(weights, torch.ones(2, 3, 24, 24)).square().sum())
    assert weights.grad is not None
    assert all((part != 0).any() for part in encoder.layout.unflatten(weights.grad).values())
    assert all(parameter.grad is None for parameter in encoder.loaded.clip.parameters())
