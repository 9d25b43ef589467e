"""An agent in Python: it asks the Node service, which asks back for the weather. Its spans go to the server by OTLP.

    pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
"""
import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "python-agent"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("python-agent")


def texts(role, content):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": content}]}])


class Weather(BaseHTTPRequestHandler):
    def do_GET(self):
        caller = propagate.extract(dict(self.headers))
        with tracer.start_as_current_span("GET /weather", context=caller, kind=trace.SpanKind.SERVER):
            with tracer.start_as_current_span("execute_tool thermometer") as tool:
                tool.set_attributes({
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "thermometer",
                    "gen_ai.tool.call.result": json.dumps({"sky": "dry", "degrees": 14}),
                })
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"sky": "dry", "degrees": 14}).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Weather)
threading.Thread(target=server.serve_forever, daemon=True).start()

question = "Shall I take the train from Bergen to Oslo?"
with tracer.start_as_current_span("invoke_agent guide") as agent:
    agent.set_attributes({
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "guide",
        "gen_ai.input.messages": texts("user", question),
    })
    with tracer.start_as_current_span("execute_tool ask_planner") as tool:
        tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ask_planner"})
        with tracer.start_as_current_span("POST", kind=trace.SpanKind.CLIENT):
            headers = {"content-type": "application/json"}
            propagate.inject(headers)
            body = {"question": question, "weatherUrl": f"http://127.0.0.1:{server.server_port}/weather"}
            request = urllib.request.Request(os.environ["SERVICE_URL"], json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request) as response:
                answer = json.load(response)["answer"]
        tool.set_attribute("gen_ai.tool.call.result", answer)
    agent.set_attribute("gen_ai.output.messages", texts("assistant", answer))

print(answer)
server.shutdown()
provider.shutdown()
