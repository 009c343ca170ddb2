"""Receivers of OTLP built from the official stubs: gRPC and HTTP, on loopback."""

from __future__ import annotations

import gzip
import http.server
import threading
from concurrent import futures

import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc


class Received:
    """What arrived, and what to answer."""

    def __init__(self):
        self.metrics, self.spans, self.headers, self.paths = [], [], [], []
        self.status, self.retry_after, self.answers = 200, None, []

    def all_metrics(self):
        return {
            m.name: m
            for request in self.metrics
            for r in request.resource_metrics
            for s in r.scope_metrics
            for m in s.metrics
        }

    def all_spans(self):
        return [
            span for request in self.spans for r in request.resource_spans for s in r.scope_spans for span in s.spans
        ]


class MetricsService(metrics_grpc.MetricsServiceServicer):
    def __init__(self, received):
        self.received = received

    def Export(self, request, context):
        self.received.metrics.append(request)
        self.received.headers.append(dict(context.invocation_metadata()))
        return metrics_pb.ExportMetricsServiceResponse()


class TraceService(trace_grpc.TraceServiceServicer):
    def __init__(self, received):
        self.received = received

    def Export(self, request, context):
        self.received.spans.append(request)
        return trace_pb.ExportTraceServiceResponse()


@pytest.fixture
def grpc_receiver():
    import grpc

    received = Received()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    metrics_grpc.add_MetricsServiceServicer_to_server(MetricsService(received), server)
    trace_grpc.add_TraceServiceServicer_to_server(TraceService(received), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    received.endpoint = f"http://127.0.0.1:{port}"
    yield received
    server.stop(None)


@pytest.fixture
def http_receiver():
    received = Received()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            received.paths.append(self.path)
            received.headers.append({name.lower(): value for name, value in self.headers.items()})
            status = received.answers.pop(0) if received.answers else received.status
            if status == 200:
                if self.path.endswith("/v1/metrics"):
                    received.metrics.append(metrics_pb.ExportMetricsServiceRequest.FromString(body))
                else:
                    received.spans.append(trace_pb.ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            if status == 429 and received.retry_after:
                self.send_header("retry-after", received.retry_after)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    received.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield received
    server.shutdown()
    server.server_close()
