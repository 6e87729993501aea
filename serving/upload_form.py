"""Checks of an upload's multipart form: a limited number of file parts named "files", and no other fields."""

from http import HTTPStatus

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.request_body import RequestRefused


class UploadForm:
    """Parses a form in parallel with Gradio, by the same parser.

    Gradio would open a file for each of a thousand parts, and keep parts that are not files in memory.

    Args:
        content_type: header of the request.
        files: most parts that are allowed.
    Raises: RequestRefused if the content type is not multipart/form-data with a boundary.
    """

    def __init__(self, content_type: str, files: int) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, "An upload must be a form of files (multipart/form-data)."
            )
        self._files = files
        self._count = 0
        self._field, self._value, self._disposition = b"", b"", b""
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Parse the next bytes. Raises: RequestRefused for too many files, other fields, a malformed form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, f"The upload is not a valid form: {error}."
            ) from error

    def _begin_part(self) -> None:
        self._disposition = b""
        self._count += 1
        if self._count > self._files:
            raise RequestRefused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"An upload may have at most {self._files} files."
            )

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field, self._value = b"", b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != b"files" or b"filename" not in options:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, 'An upload may only have files named "files" and no other fields.'
            )
