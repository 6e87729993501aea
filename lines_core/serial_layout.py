"""Flat layout of a model whose two towers act one after the other, as T5's do: a factor for every block.

One vector serves edits of the encoder, of the decoder and of both: they differ in the factors alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from lines_core.architectures import depth_order
from lines_core.errors import LayerError
from lines_core.flat import FlatLayout

SERIAL_PARTS = ("encoder", "decoder", "both")


@dataclass(frozen=True)
class SerialLayout:
    """A layout, and how many of its segments are blocks of each tower.

    Attributes:
        flat: segments: embeddings; the encoder's blocks; what is between the towers, such as the encoder's
            last norm; the decoder's blocks; what comes after. All but the first and last count as blocks.
        encoder, decoder: numbers of blocks.
    """

    flat: FlatLayout
    encoder: int
    decoder: int

    @classmethod
    def of(cls, named: Mapping[str, Tensor]) -> "SerialLayout":
        """The layout of a model's parameters. Raises: LayerError as `architectures.depth_order`."""
        encoder, decoder = (depth_order(named, part=part).segments for part in ("encoder", "decoder"))
        seen = {name for segment in encoder[:-1] for name in segment}
        between = tuple(name for name in decoder[0] if name not in seen)
        segments = (*encoder[:-1], between, *decoder[1:])
        return cls(FlatLayout.in_segments(named, segments), len(encoder) - 2, len(decoder) - 2)

    def blocks_of(self, part: str) -> int:
        """L, the blocks of a part.

        Raises: LayerError for another part than `SERIAL_PARTS`, or for both of different numbers of blocks.
        """
        if part not in SERIAL_PARTS:
            raise LayerError(f"A part is one of {', '.join(SERIAL_PARTS)}, got {part!r}.")
        if part == "both" and self.encoder != self.decoder:
            raise LayerError(
                f"Encoder and decoder have {self.encoder} and {self.decoder} blocks: block i is the same "
                "depth of both only where they have as many."
            )
        return self.decoder if part == "decoder" else self.encoder

    def factors(self, part: str, blocks: Sequence[float], rest: float) -> tuple[float, ...]:
        """A factor for each segment that counts as a block.

        Args:
            part: whose blocks follow the schedule; of both, blocks of equal number get the same factor.
            blocks: (L,) factors, shallowest block first.
            rest: factor of the other tower and of what is between.
        Raises: LayerError as `blocks_of`, or if there is not a factor for each block.
        """
        if len(blocks) != self.blocks_of(part):
            raise LayerError(f"The {part} has {self.blocks_of(part)} blocks, got {len(blocks)} factors.")
        encoder = blocks if part != "decoder" else [rest] * self.encoder
        decoder = blocks if part != "encoder" else [rest] * self.decoder
        return (*encoder, rest, *decoder)
