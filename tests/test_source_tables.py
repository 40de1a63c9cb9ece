"""Tables of a folder in the forms that people have: compressions, other names, dates, JSON."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from varbench.catalogues import tables
from varbench.catalogues.folder import _read_interactions
from varbench.catalogues.times import Times
from varbench.errors import InputError

ROWS = [("u", "007", 4.5, 10.0), ("v", "b", 1.0, 20.0)]
LOG = "user\titem\trating\ttimestamp\nu\t007\t4.5\t10\nv\tb\t1\t20\n"


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, LOG)
    return buffer.getvalue()


COMPRESSED = {
    "gzip": gzip.compress(LOG.encode()),
    "zstandard": pa.compress(LOG.encode(), "zstd", asbytes=True),
    "bzip2": bz2.compress(LOG.encode()),
    "xz": lzma.compress(LOG.encode()),
    "zip": zipped("log.tsv", "__MACOSX/._log.tsv"),
    "byte order mark in gzip": gzip.compress(("\ufeff" + LOG).encode()),
    "two members": gzip.compress(LOG[:30].encode()) + gzip.compress(LOG[30:].encode()),
}


def read(tmp_path, content: bytes | str, name: str = "log", **names: str | None):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return _read_interactions(path, names)


def rows(table: pd.DataFrame) -> list[tuple[object, ...]]:
    return [tuple(row) for row in table.itertuples(index=False)]


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("name", ["log.tsv", "log.gz"])
def test_compression_is_told_by_content(tmp_path, kind, name):
    assert rows(read(tmp_path, COMPRESSED[kind], name)) == ROWS


@pytest.mark.parametrize("kind", ["gzip", "zstandard", "bzip2", "xz", "zip"])
def test_a_damaged_compression_is_named(tmp_path, kind):
    whole = COMPRESSED[kind]
    cut = [whole[: len(whole) * part // 4] for part in (2, 3)]
    # pyarrow writes zstandard without a checksum: a changed letter is a changed letter.
    damaged = [whole[:12] + b"\xff" * 20 + whole[32:]] if kind != "zstandard" else []
    for content in cut + damaged:
        with pytest.raises(InputError, match=r"log: .*damaged .*; get it again") as raised:
            read(tmp_path, content)
        assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped("a.tsv", "b.tsv"), r"a zip archive of 2 files \(a\.tsv, b\.tsv\); unpack it"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel file; save it as CSV"),
        (b"PAR1" + b"\0" * 20, "a parquet file; save it as CSV"),
    ],
)
def test_what_is_no_text_is_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, content)


def test_columns_have_the_names_that_are_given(tmp_path):
    text = "t_dat,customer_id,article_id,stars,user\n1970-01-02,u,007,3,x\n"
    given = {"user": "customer_id", "item": "article_id", "timestamp": "t_dat"}
    assert rows(read(tmp_path, text, **given, rating="stars")) == [("u", "007", 3, 86400)]
    unread = read(tmp_path, text, **given, rating=None)
    assert unread["rating"].isna().all()
    with pytest.raises(
        InputError, match=r"lacks the column\(s\) date; it has 't_dat', 'customer_id'"
    ):
        read(tmp_path, text, **{**given, "timestamp": "date"})
    with pytest.raises(InputError, match=r"lacks .* user, item; .*columns: \{user: NAME\}"):
        read(tmp_path, "t_dat,customer_id,article_id\n1,2,3\n")


def test_one_column_is_one_thing(tmp_path):
    with pytest.raises(InputError, match="row 1: id cannot be user and item; change columns"):
        read(tmp_path, "id,timestamp\n1,2\n", user="id", item="id")


def test_rating_and_timestamp_are_optional(tmp_path):
    table = read(tmp_path, "user,item\nu,a\n")
    assert table.columns.tolist() == ["user", "item", "rating", "timestamp"]
    assert table[["rating", "timestamp"]].isna().all(axis=None)
    table = read(tmp_path, "user,item,rating,timestamp\nu,a,,7\nu,b,none,8\n")
    assert table["rating"].isna().all()
    assert table["timestamp"].tolist() == [7, 8]


@pytest.mark.parametrize(
    "header",
    [
        "user_id:token\titem_id:token\trating:float\ttimestamp:float",  # RecBole
        "userID\titemID\trating\ttimestamp",  # MMRec
        "user_id\titem_id\trating\ttimestamp",
    ],
)
def test_headers_of_recommender_libraries_are_known(tmp_path, header):
    text = LOG.replace("user\titem\trating\ttimestamp", header)
    assert rows(read(tmp_path, text, "shop.inter")) == ROWS


@pytest.mark.parametrize(
    "keys",
    [
        ("reviewerID", "asin", "overall", "unixReviewTime"),  # Amazon, until 2018
        ("user_id", "asin", "rating", "timestamp"),  # 2023
        ("user", "item", "rating", "timestamp"),
    ],
)
@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_json_lines_are_read(tmp_path, keys, compress):
    lines = [json.dumps(dict(zip(keys, row, strict=True)) | {"text": "x" * 5000}) for row in ROWS]
    content = compress("\n\n".join(lines).encode())
    assert rows(read(tmp_path, content, "reviews.json")) == ROWS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"user": "u", "item": "a"}\n{"user": "u"\n', r"log row 2: not JSON .*; give one object"),
        ('[{"user": "u", "item": "a"}]\n', r"log row 1: JSON, but no object; give one object"),
        ('[\n{"user": "u", "item": "a"}]\n', r"log row 1: not JSON"),
        ("{'asin': 'a'}\n", r"log row 1: not JSON"),
        ('{"user": "u", "item": {"id": 3}}\n', r"log row 1: item is \{'id': 3\}, neither text nor"),
        ('{"user": true, "item": "a"}\n', "row 1: user is True, neither"),
        (
            '{"reviewer": "u", "asin": "a"}\n',
            r"lacks the column\(s\) user; it has 'reviewer', 'asin'",
        ),
    ],
)
def test_faults_of_json_lines_are_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_a_key_that_an_object_lacks_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 2)
    lines = [{"user": "u", "item": n} | ({"rating": n} if n % 2 else {}) for n in range(5)]
    table = read(tmp_path, "\n".join(map(json.dumps, lines)))
    assert table["item"].tolist() == ["0", "1", "2", "3", "4"]
    assert np.array_equal(table["rating"], [np.nan, 1, np.nan, 3, np.nan], equal_nan=True)


# Times


def seconds(tmp_path, *texts: str | None) -> list[float]:
    return Times(tmp_path).read(pd.Series(texts, dtype=object)).tolist()


def test_dates_are_seconds(tmp_path):
    day = 86400
    assert seconds(tmp_path, "1970-01-03", "1970-01-01T00:00:01Z") == [2 * day, 1]
    assert seconds(tmp_path, "1970-01-01 01:00:00.5+01:00", "1970-01-02 10:20") == [
        0.5,
        day + 37200,
    ]
    assert seconds(tmp_path, "2013-12-16") == [np.datetime64("2013-12-16", "s").astype(int)]
    assert seconds(tmp_path, "1970-01-01 00:00:02 UTC", "1970-01-01T00:01") == [2, 60]
    assert seconds(tmp_path, "1387237623123", "5") == [1387237623123, 5]  # any number that grows


def test_an_empty_time_is_missing(tmp_path):
    assert np.isnan(seconds(tmp_path, "1970-01-01", None)[1])
    assert np.isnan(seconds(tmp_path, "7", None)[1])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([["2020-01-01", "yesterday"]], r"row 1: a timestamp .* ISO date .*'yesterday'"),
        ([["31.12.2020"]], "row 0: a timestamp"),
        ([["5", "2020-01-01"]], "row 1: a date as timestamp, '2020-01-01', where .* numbers"),
        ([["2020-01-01", "5"]], "row 0: a date as timestamp, '2020-01-01', where .* numbers"),
        ([["5"], ["2020-01-01"]], "a date as timestamp"),
        ([["2020-01-01"], ["5"]], "a number as timestamp, '5', where other rows have dates"),
    ],
)
def test_times_of_two_kinds_are_named(tmp_path, parts, message):
    times = Times(tmp_path)
    *before, last = (pd.Series(part, dtype=object) for part in parts)
    for part in before:
        times.read(part)
    with pytest.raises(InputError, match=message):
        times.read(last)
