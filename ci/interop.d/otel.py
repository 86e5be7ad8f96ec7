"""A service with OpenTelemetry's Python SDK: takes a carrier as JSON, makes a span, gives the carrier on.

otel.py TRACES_URL CARRIER
"""

import json
import sys

from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource({"service.name": "python"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(sys.argv[1])))
parent = propagate.extract(json.loads(sys.argv[2]))
with provider.get_tracer("otel.py").start_as_current_span("between", context=parent):
    carrier = {}
    propagate.inject(carrier)
provider.shutdown()
print(json.dumps(carrier))
