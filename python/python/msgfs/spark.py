"""Reads Outlook ``.msg`` files in Spark 4: as a data source, or with ``mapInArrow``.

>>> from msgfs.spark import MsgDataSource      # doctest: +SKIP
>>> spark.dataSource.register(MsgDataSource)
>>> spark.read.format("msg").option("columns", "subject,client_submit_time").load("/mail")

``load`` takes a folder or a file: a local path, or any URI for which PyArrow has a file system,
such as ``s3://bucket/mail``. A message that cannot be read becomes a row with its ``defects``.
Options:

``columns``
    The names of the columns, with commas between them; all columns if it is not given. A schema
    does the same: ``spark.read.format("msg").schema("subject string")``. Spark does not tell a
    data source which columns a query selects, so naming them here makes the query faster.
``hashes``, ``html``, ``embedded``
    ``true`` or ``false``, as for ``msgfs.read_batches``.
``partitionBytes``, ``partitionFiles``
    How much one task reads: at most 128 MiB and 4,096 files.

The reader runs in Python, so it cannot use file systems that only Hadoop has. For these, let Spark
read the files::

    files = spark.read.format("binaryFile").option("pathGlobFilter", "*.msg").load("hdfs://mail")
    files.select("path", "content").mapInArrow(msgfs.spark.rows, msgfs.spark.schema())
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.fs
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from ._msgfs import read_batches

__all__ = ["MsgDataSource", "rows", "rows_of", "schema"]

#: A task reads at most this many bytes and files, unless the options say otherwise.
PARTITION_BYTES = 128 << 20
PARTITION_FILES = 4096
#: In a folder, files with these extensions are read.
EXTENSIONS = (".msg", ".oft")


def schema(columns: str | Sequence[str] | None = None, **options: Any) -> StructType:
    """The Spark schema of all columns, or of those that are named."""
    stream = read_batches([], columns=columns, **options)
    return from_arrow_schema(pa.RecordBatchReader.from_stream(stream).schema)


def rows(batches: Iterable[pa.RecordBatch], **options: Any) -> Iterator[pa.RecordBatch]:
    """Makes rows of messages from batches with ``path`` and ``content``, for ``mapInArrow``."""

    def files() -> Iterator[tuple[str, bytes]]:
        for batch in batches:
            paths, contents = batch.column("path"), batch.column("content")
            for path, content in zip(paths, contents):
                yield path.as_py(), content.as_py() or b""

    return iter(pa.RecordBatchReader.from_stream(read_batches(files(), **options)))


def rows_of(columns: str | Sequence[str], **options: Any) -> Callable[..., Iterator[pa.RecordBatch]]:
    """:func:`rows` with certain columns: ``mapInArrow(rows_of("subject"), schema("subject"))``."""
    return partial(rows, columns=columns, **options)


class _Partition(InputPartition):
    """The files of one task."""

    def __init__(self, files: list[str]) -> None:
        super().__init__(None)
        self.files = files


class MsgDataSource(DataSource):
    """The data source for the format ``msg``."""

    @classmethod
    def name(cls) -> str:
        return "msg"

    def schema(self) -> StructType:
        return schema(self.options.get("columns"), **_options(self.options))

    def reader(self, schema: StructType) -> DataSourceReader:
        return _Reader(dict(self.options), schema.names)


class _Reader(DataSourceReader):
    def __init__(self, options: dict[str, str], columns: list[str]) -> None:
        if "path" not in options:
            raise ValueError('no path: say where the messages are, with .load("/mail")')
        self.path = options["path"]
        self.columns = columns
        self.options = _options(options)
        # Spark asks for columns by name, so the option `html` is not needed for ``body_html``.
        self.options.pop("html", None)
        self.bytes_max = int(options.get("partitionbytes", PARTITION_BYTES))
        self.files_max = int(options.get("partitionfiles", PARTITION_FILES))

    def partitions(self) -> Sequence[InputPartition]:
        filesystem, path, _ = _opened(self.path)
        found = filesystem.get_file_info(path)
        if found.type == pa.fs.FileType.NotFound:
            raise FileNotFoundError(f"{self.path}: no such file or folder")
        files = [found]
        if found.type == pa.fs.FileType.Directory:
            inside = filesystem.get_file_info(pa.fs.FileSelector(path, recursive=True))
            files = [one for one in inside if one.is_file and one.path.lower().endswith(EXTENSIONS)]
        return list(self._divided(sorted(files, key=lambda one: one.path)))

    def _divided(self, files: Iterable[pa.fs.FileInfo]) -> Iterator[_Partition]:
        part: list[str] = []
        size = 0
        for one in files:
            if part and (size + (one.size or 0) > self.bytes_max or len(part) >= self.files_max):
                yield _Partition(part)
                part, size = [], 0
            part.append(one.path)
            size += one.size or 0
        if part:
            yield _Partition(part)

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        assert isinstance(partition, _Partition)
        filesystem, _, prefix = _opened(self.path)
        inputs: Iterable[Any] = partition.files
        if not isinstance(filesystem, pa.fs.LocalFileSystem):
            inputs = _fetched(filesystem, prefix, partition.files)
        stream = read_batches(inputs, columns=self.columns, **self.options)
        return iter(pa.RecordBatchReader.from_stream(stream))


def _fetched(
    filesystem: pa.fs.FileSystem, prefix: str, files: Iterable[str]
) -> Iterator[tuple[str, bytes | Exception]]:
    """Reads remote files. One that cannot be read becomes a row with a defect."""
    for path in files:
        try:
            with filesystem.open_input_stream(path) as file:
                yield prefix + path, file.read()
        except OSError as error:
            yield prefix + path, error


def _opened(path: str) -> tuple[pa.fs.FileSystem, str, str]:
    """The file system of a path or URI, the path in it, and the prefix of paths in rows."""
    if "://" not in path:
        return pa.fs.LocalFileSystem(), path, ""
    filesystem, inside = pa.fs.FileSystem.from_uri(path)
    local = isinstance(filesystem, pa.fs.LocalFileSystem)
    return filesystem, inside, "" if local else path.split("://")[0] + "://"


def _options(options: Any) -> dict[str, bool]:
    """The options that Spark passes on to ``read_batches``."""
    found = {}
    for name in ("hashes", "html", "embedded"):
        if name in options:
            value = str(options[name]).lower()
            if value not in ("true", "false"):
                raise ValueError(f"the option {name} is true or false, not {options[name]!r}")
            found[name] = value == "true"
    return found
