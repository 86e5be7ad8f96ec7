"""A service with Jaeger's own Python client: takes a carrier as JSON, makes a span, gives the carrier on.

hop.py AGENT_PORT CARRIER
"""

import json
import sys
import time

from jaeger_client import Config
from opentracing.propagation import Format

config = {
    "sampler": {"type": "const", "param": 0},
    "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": int(sys.argv[1])},
    "logging": False,
}
tracer = Config(config=config, service_name="python", validate=True).initialize_tracer()
parent = tracer.extract(Format.TEXT_MAP, json.loads(sys.argv[2]))
with tracer.start_span("between", child_of=parent) as span:
    span.set_tag("cart", span.get_baggage_item("cart"))
    carrier = {}
    tracer.inject(span, Format.TEXT_MAP, carrier)
closed = tracer.close()
while not closed.done():
    time.sleep(0.01)
print(json.dumps(carrier))
