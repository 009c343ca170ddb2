"""All three embedders pass the contract that ships: the model itself, and the remote ones against servers on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from symbi.testing.declarations import DeclarationContract
from symbi.testing.embedders import EmbedderContract
from symbi_embed import plugin


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestMiniLm(EmbedderContract):
    plugin = plugin
    name = "minilm"


def digest_vector(text):
    return [byte / 255 + 0.001 for byte in hashlib.sha256(text.encode()).digest()[:12]]


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        status, extra = self.server.script.pop(0) if self.server.script else (200, {})
        vectors = [digest_vector(text) for text in body["input"]]
        if self.path.endswith("/api/embed"):
            answer = {"embeddings": vectors}
        else:
            answer = {"data": [{"index": n, "embedding": v} for n, v in reversed(list(enumerate(vectors)))]}
        text = json.dumps(extra.pop("body", answer)).encode()
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def embed_service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.asked, server.script = [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


class TestOpenAi(EmbedderContract):
    plugin = plugin
    name = "openai-embeddings"

    @pytest.fixture(autouse=True)
    def _served(self, embed_service):
        url = f"http://127.0.0.1:{embed_service.server_port}/v1"
        self.tables = {"plugins": {"openai-embeddings": {"url": url, "api_key": "sk-test-000000000000000000"}}}
        self.server = embed_service
        embed_service.asked.clear()
        embed_service.script.clear()

    async def test_ctx_33_it_tries_again_and_keeps_the_order(self, tmp_path):
        self.server.script[:] = [(503, {}), (429, {"retry-after": "0.01"})]
        async with self.opened(tmp_path) as embedder:
            one, two = await embedder.embed(["one", "two"])
            assert list(one) != list(two)
            assert (await embedder.describe()).dimension == 12
            assert list(one) == list((await embedder.embed(["one"]))[0])
        path, headers, body = self.server.asked[0]
        assert (path, body["model"]) == ("/v1/embeddings", "text-embedding-3-small")
        assert headers["authorization"] == "Bearer sk-test-000000000000000000"

    @pytest.mark.parametrize(
        ("status", "body"),
        [(401, {"error": "no"}), (200, {"data": []}), (200, {"data": "x"}), (200, {"data": [{"embedding": [0, 0]}]})],
    )
    async def test_ctx_31_a_wrong_answer_is_an_error_never_a_vector(self, tmp_path, status, body):
        from symbi.contracts.embedders import EmbeddingFailed

        self.server.script[:] = [(status, {"body": body})]
        async with self.opened(tmp_path) as embedder:
            with pytest.raises(EmbeddingFailed) as caught:
                await embedder.embed(["one"])
            assert "sk-test" not in str(caught.value)
            assert caught.value.hint or "zero" in str(caught.value)


class TestOllama(EmbedderContract):
    plugin = plugin
    name = "ollama-embeddings"

    @pytest.fixture(autouse=True)
    def _served(self, embed_service):
        self.tables = {"plugins": {"ollama-embeddings": {"url": f"http://127.0.0.1:{embed_service.server_port}"}}}
        embed_service.script.clear()


async def test_a_service_that_is_down_says_how_to_start_it(make_kernel):
    from symbi.contracts.embedders import EmbeddingFailed
    from symbi.kernel.points import EMBEDDERS

    tables = {"plugins": {"ollama-embeddings": {"url": "http://127.0.0.1:9", "retries": 0}}}
    async with make_kernel([plugin], tables=tables) as kernel, kernel.open(EMBEDDERS, "ollama-embeddings") as embedder:
        with pytest.raises(EmbeddingFailed, match="ollama pull"):
            await embedder.embed(["x"])
        assert (await embedder.health()).state == "degraded"
