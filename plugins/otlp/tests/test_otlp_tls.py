"""TLS with a private authority, mutual TLS, partial success, slow receivers, the end in time (metrics.md §5.9)."""

from __future__ import annotations

import asyncio
import datetime
import http.server
import logging
import ssl
import threading
import time
from concurrent import futures
from types import SimpleNamespace

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc

from symbi.contracts.errors import ConfigError, Unavailable
from symbi.testing.exporters import a_snapshot
from symbi_otlp import OtlpConfig, OtlpExporter
from symbi_otlp import aside as aside_module
from symbi_otlp.aside import overheard
from symbi_otlp.environment import with_environment
from symbi_otlp.transport import Transport


def certify(folder, name, signer=None):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = signer or (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )  # fmt: skip
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return SimpleNamespace(certificate=str(certificate), key=str(private), signer=(subject, key))


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    authority = certify(folder, "authority")
    return SimpleNamespace(
        authority=authority,
        server=certify(folder, "server", authority.signer),
        client=certify(folder, "client", authority.signer),
    )


class Counting(metrics_grpc.MetricsServiceServicer):
    def __init__(self):
        self.count, self.hang, self.partial = 0, 0.0, ""

    def Export(self, request, context):
        self.count += 1
        time.sleep(self.hang)
        answer = metrics_pb.ExportMetricsServiceResponse()
        if self.partial:
            answer.partial_success.rejected_data_points = 2
            answer.partial_success.error_message = self.partial
        return answer


@pytest.fixture(params=["grpc", "http/protobuf"])
def receiver(request, papers):
    """A receiver that takes only clients with a certificate of the private authority; `secure = False` in `plain` for one without TLS."""
    found = Counting()
    found.protocol = request.param
    yield from (_grpc if request.param == "grpc" else _http)(found, papers)


@pytest.fixture(params=["grpc", "http/protobuf"])
def plain(request):
    found = Counting()
    found.protocol = request.param
    yield from (_grpc if request.param == "grpc" else _http)(found, None)


def _grpc(found, papers):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    metrics_grpc.add_MetricsServiceServicer_to_server(found, server)
    if papers:
        read = lambda path: open(path, "rb").read()  # noqa: E731, SIM115
        pair = (read(papers.server.key), read(papers.server.certificate))
        port = server.add_secure_port(
            "localhost:0", grpc.ssl_server_credentials([pair], read(papers.authority.certificate), True)
        )
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    found.endpoint = f"https://localhost:{port}" if papers else f"http://127.0.0.1:{port}"
    yield found
    server.stop(None)


def _http(found, papers):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = found.Export(metrics_pb.ExportMetricsServiceRequest.FromString(body), None).SerializeToString()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    if papers:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=papers.authority.certificate)
        context.load_cert_chain(papers.server.certificate, papers.server.key)
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.endpoint = f"{'https' if papers else 'http'}://localhost:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


def exporter(receiver, **changes):
    return OtlpExporter(
        OtlpConfig(**{"endpoint": receiver.endpoint, "protocol": receiver.protocol, "timeout_seconds": 4, **changes})
    )


async def test_mutual_tls_with_a_private_authority(receiver, papers):
    sender = exporter(
        receiver,
        certificate=papers.authority.certificate,
        client_certificate=papers.client.certificate,
        client_key=papers.client.key,
    )
    await sender.export(a_snapshot())
    await sender.close()
    assert receiver.count == 1


@pytest.mark.parametrize("missing", ["authority", "client"])
async def test_refused_tls_is_told_and_nothing_arrives(receiver, papers, missing):
    papers_shown = {"certificate": papers.authority.certificate} if missing == "client" else {}
    sender = exporter(receiver, timeout_seconds=1, **papers_shown)
    with pytest.raises(Unavailable, match="localhost"):
        await sender.export(a_snapshot())
    await sender.close()
    assert receiver.count == 0


async def test_a_partial_success_is_logged_and_not_tried_again(plain, caplog):
    plain.partial = "two points were too old"
    sender = exporter(plain)
    with caplog.at_level(logging.WARNING, logger="symbi.otlp"):
        await sender.export(a_snapshot())
    await sender.close()
    assert plain.count == 1
    assert "refused 2: two points were too old" in caplog.text


async def test_a_slow_receiver_holds_up_neither_the_loop_nor_the_end(plain):
    plain.hang = 2.0
    sender = exporter(plain, timeout_seconds=8)
    export = asyncio.create_task(sender.export(a_snapshot()))
    beats = 0
    began = time.monotonic()
    while time.monotonic() - began < 0.4:
        await asyncio.sleep(0.01)
        beats += 1
    assert beats > 10
    export.cancel()
    await asyncio.gather(export, return_exceptions=True)
    with pytest.raises(Unavailable, match="still under way"):
        await sender.export(a_snapshot())
    began = time.monotonic()
    await sender.close()
    assert time.monotonic() - began < 3


def test_a_client_certificate_needs_its_key():
    with pytest.raises(ValueError, match="belong together"):
        OtlpConfig(client_certificate="x.pem")


def test_two_signals_at_once_hear_only_their_own_words_and_leave_the_logger_as_it_was():
    logger = logging.getLogger("opentelemetry")
    deadline = time.monotonic() + 5
    while aside_module._listeners and time.monotonic() < deadline:  # a slow export of an earlier test
        time.sleep(0.05)
    inside, leave, heard = threading.Event(), threading.Event(), {}

    def other():
        with overheard() as said:
            inside.set()
            leave.wait(5)
            logger.warning("from the other")
        heard["other"] = said

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(5)
    with overheard() as said:
        logger.warning("mine")
        assert not logger.propagate
    leave.set()
    thread.join()
    assert (said, heard["other"]) == (["mine"], ["from the other"])
    assert logger.propagate
    assert not any(type(each).__module__ == aside_module.__name__ for each in logger.handlers)


@pytest.mark.parametrize(
    ("environ", "field", "value"),
    [
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a/x"}, "metrics_endpoint", "http://a/x"),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "2.5"}, "timeout_seconds", 2.5),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip"}, "compression", "gzip"),
        ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem"}, "certificate", "/ca.pem"),
        ({"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "Delta"}, "temporality", "delta"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=a%20b,team=x"}, "service_name", "a b"),
    ],
)  # fmt: skip
def test_standard_names_win_over_the_file(environ, field, value):
    assert getattr(with_environment(OtlpConfig(), environ), field) == value


@pytest.mark.parametrize(
    ("environ", "ratio"),
    [
        ({"OTEL_TRACES_SAMPLER": "always_off"}, 0.0),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, 0.25),
    ],
)
def test_the_sampler_of_the_environment(environ, ratio):
    assert with_environment(OtlpConfig(), environ, "traces").sample_ratio == ratio


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"},
        {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "sideways"},
    ],
)
def test_values_that_are_not_understood_stop_the_start(environ):
    with pytest.raises(ConfigError, match="OTEL_"):
        with_environment(OtlpConfig(), environ)


def test_an_endpoint_of_one_signal_is_used_as_it_is():
    config = OtlpConfig(endpoint="http://a", traces_endpoint="http://b/own/path")
    assert Transport(config, "metrics").endpoint == "http://a"
    assert Transport(config, "traces").endpoint == "http://b/own/path"


async def test_disabled_by_the_environment_means_silent(plain):
    sender = OtlpExporter(OtlpConfig(endpoint=plain.endpoint), environ={"OTEL_SDK_DISABLED": "true"})
    await sender.export(a_snapshot())
    assert plain.count == 0
