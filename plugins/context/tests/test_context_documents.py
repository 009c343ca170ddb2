"""Documents: every medium, chunks with true places, unchanged ones are no work, removal leaves nothing (CTX-40 … CTX-43)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.context import MemoryNotFound, NewDocument
from symbi.contracts.errors import CapacityExceeded, InvalidRequest, PayloadTooLarge, ServiceUnavailable, Timeout
from symbi.contracts.principal import LOCAL_ADMIN
from symbi_context.chunkers import CHUNKERS, TARGET, chunk
from symbi_context.extract import extract, media_of

MARKDOWN = (
    "# Harbour rules\n\nShips enter at dawn.\n\n## Lights\n\nGreen is starboard. Red is port.\n\n"
    + "Ropes are checked daily. " * 60
)
HTML = "<html><head><title>Tide &amp; time</title><style>p{}</style></head><body><p>Low tide is at <b>noon</b>.</p><script>evil()</script><ul><li>one<li>two</ul></body></html>"


@given(st.text(max_size=4000), st.sampled_from(sorted(CHUNKERS)))
def test_ctx_40_pieces_are_places_in_the_text_and_leave_no_word_out(text, name):
    spans = chunk(text, name)
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
        assert end - start <= 2 * TARGET
    covered = set()
    for start, end in spans:
        covered.update(range(start, end))
    assert all(place in covered for place, char in enumerate(text) if not char.isspace())


@pytest.mark.parametrize("name", sorted(CHUNKERS))
def test_ctx_40_a_long_text_is_cut_in_pieces_of_a_bounded_size(name):
    for text in (MARKDOWN * 5, "x" * 50_000, "word " * 10_000, "def f():\n    pass\n\n" * 500):
        spans = chunk(text, name)
        assert len(spans) > 5
        assert max(end - start for start, end in spans) <= 2 * TARGET


@pytest.mark.parametrize(
    ("uri", "content", "media", "expected", "title"),
    [
        ("a.md", MARKDOWN, "markdown", "Ships enter at dawn.", "Harbour rules"),
        ("a.txt", b"\xef\xbb\xbfplain words", "text", "plain words", "a.txt"),
        ("a.html?x=1", HTML, "html", "Low tide is at noon.", "Tide & time"),
        ("a.py", "def harbour():\n    return 1\n", "code", "def harbour", "a.py"),
        ("a.json", '{"port": [1, 2]}', "json", '"port"', "a.json"),
    ],
)
def test_ctx_40_media_are_told_by_suffix_and_read(uri, content, media, expected, title):
    document = NewDocument(uri=uri, content=content)
    assert media_of(document) == media
    text, found = extract(document, media)
    assert expected in text
    assert "evil" not in text
    assert found == title


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (NewDocument(uri="a", content=" \n"), InvalidRequest),
        (NewDocument(uri="a", content=b"\xff\xfe\x00"), InvalidRequest),
        (NewDocument(uri="a.json", content="{"), InvalidRequest),
        (NewDocument(uri="", content="x"), InvalidRequest),
        (NewDocument(uri="a", content="x", media="odd"), InvalidRequest),
        (NewDocument(uri="a", content="x", chunker="odd"), InvalidRequest),
        (NewDocument(uri="a", content="x" * 101), PayloadTooLarge),
    ],
)
async def test_bad_documents_are_refused_and_nothing_is_kept(house, document, error):
    async with house(tables={"context": {"max_document_bytes": 100}}) as home:
        with pytest.raises(error):
            await home.service.ingest(await home.scope(), document, principal=LOCAL_ADMIN)
        assert (await home.service.stats())["documents"] == 0


async def test_pdf_is_read_or_says_what_to_install(house):
    async with house() as home:
        document = NewDocument(uri="a.pdf", content=b"%PDF-1.4 broken")
        with pytest.raises((ServiceUnavailable, InvalidRequest), match=r"pypdf|cannot be read"):
            await home.service.ingest(await home.scope(), document, principal=LOCAL_ADMIN)


async def test_ctx_40_the_same_is_no_work_and_a_change_replaces_every_piece(house):
    async with house() as home:
        scope = await home.scope()
        first = await home.service.ingest(scope, NewDocument(uri="a.md", content=MARKDOWN), principal=LOCAL_ADMIN)
        assert (first.status, first.embedded) == ("added", True)
        assert first.chunks > 2
        asked = home.bags.asked
        again = await home.service.ingest(scope, NewDocument(uri="a.md", content=MARKDOWN), principal=LOCAL_ADMIN)
        assert (again.id, again.status, again.chunks) == (first.id, "unchanged", first.chunks)
        assert home.bags.asked == asked
        changed = await home.service.ingest(
            scope, NewDocument(uri="a.md", content="# New\n\nOnly this."), principal=LOCAL_ADMIN
        )
        assert (changed.id, changed.status, changed.chunks) == (first.id, "updated", 1)
        assert (await home.service.stats())["chunks"] == 1
        assert await home.shelf.total("symbi_knowledge") == 1
        assert await home.found("ropes", query_type="keyword") == []
        proof = await home.service.forget(
            scope, await home.service.documents.find(scope, "a.md"), principal=LOCAL_ADMIN
        )
        assert (proof.erased, proof.removed["documents"]) == (1, 1)
        assert await home.shelf.total("symbi_knowledge") == 0
        with pytest.raises(MemoryNotFound):
            await home.service.documents.find(scope, "a.md")


async def test_ctx_40_a_passage_says_where_it_stands(house):
    async with house() as home:
        scope = await home.scope()
        await home.service.ingest(scope, NewDocument(uri="a.md", content=MARKDOWN), principal=LOCAL_ADMIN)
        found = await home.service.retrieve(scope, "green starboard red port")
        best = found.passages[0]
        assert MARKDOWN[best.start : best.end] == best.text
        assert "Green is starboard" in best.text
        assert {"fit", "keyword", "similarity", "recency", "authority"} == set(best.factors)
        assert best.title == "Harbour rules"


async def test_ctx_41_sources_are_included_excluded_and_preferred(house):
    async with house() as home:
        scope = await home.scope()
        for uri in ("docs/a.md", "docs/b.md", "notes/c.txt"):
            await home.service.ingest(
                scope, NewDocument(uri=uri, content=f"The lighthouse of {uri} is white."), principal=LOCAL_ADMIN
            )

        async def uris(**bounds):
            found = await home.service.retrieve(scope, "lighthouse white", **bounds)
            return [passage.uri for passage in found.passages]

        assert sorted(await uris()) == ["docs/a.md", "docs/b.md", "notes/c.txt"]
        assert sorted(await uris(sources=["docs/*"])) == ["docs/a.md", "docs/b.md"]
        assert await uris(excluded=["docs/*"]) == ["notes/c.txt"]
        assert len(await uris(limit=1)) == 1
        assert (await uris(preferred=["notes/*"]))[0] == "notes/c.txt"
        with pytest.raises(InvalidRequest):
            await uris(limit=0)


async def test_ctx_41_a_time_limit_ends_the_search(house, monkeypatch):
    import asyncio

    async with house() as home:

        async def slow(texts, *, purpose="passage"):
            await asyncio.sleep(5)

        monkeypatch.setattr(home.bags, "embed", slow)
        with pytest.raises(Timeout):
            await home.service.retrieve(await home.scope(), "anything", time_limit=0.05)


async def test_ctx_43_citations_come_only_from_what_was_retrieved(house):
    async with house() as home:
        scope = await home.scope()
        await home.service.ingest(scope, NewDocument(uri="a.md", content="The mast is tall."), principal=LOCAL_ADMIN)
        found = await home.service.retrieve(scope, "mast")
        known = found.passages[0].id
        assert [passage.id for passage in found.citations(["invented", known, known])] == [known]
        nothing = await home.service.retrieve(scope, "qqqqq")
        assert (nothing.passages, nothing.prompt) == ((), "")
        assert f'id="{known}"' in found.prompt


async def test_ctx_42_copies_of_one_text_do_not_crowd_out_the_rest(house):
    async with house() as home:
        scope = await home.scope()
        for number in range(4):
            await home.service.ingest(
                scope,
                NewDocument(uri=f"copy{number}.md", content="The anchor is heavy and old."),
                principal=LOCAL_ADMIN,
            )
        await home.service.ingest(
            scope, NewDocument(uri="other.md", content="An anchor holds the ship."), principal=LOCAL_ADMIN
        )
        found = await home.service.retrieve(scope, "anchor heavy", limit=3)
        assert len([passage for passage in found.passages if passage.uri.startswith("copy")]) == 1
        assert any(passage.uri == "other.md" for passage in found.passages)


async def test_ctx_8_an_owner_has_a_bounded_number_of_pieces(house):
    async with house(tables={"context": {"max_chunks": 3}}) as home:
        scope = await home.scope()
        with pytest.raises(CapacityExceeded, match="max_chunks"):
            await home.service.ingest(scope, NewDocument(uri="a.txt", content="word " * 3000), principal=LOCAL_ADMIN)
        assert (await home.service.stats())["documents"] == 0


def a_pdf(text):
    """Return the smallest PDF that says something."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    found = b"%PDF-1.4\n"
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(found))
        found += f"{number} 0 obj\n{each}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return (
        found
        + f"xref\n0 6\n0000000000 65535 f \n{table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{len(found)}\n%%EOF\n".encode()
    )


def test_ctx_40_a_pdf_is_read():
    pytest.importorskip("pypdf", reason="the extra [pdf] is not installed")
    text, title = extract(NewDocument(uri="a.pdf", content=a_pdf("The keel is made of steel")), "pdf")
    assert "keel is made of steel" in text
    assert title == "a.pdf"
